//! Fixed tokens for everybody in a sample district. Public by design: they open a demonstration and nothing else.

use std::fmt::Write as _;

use registry::Content;
use registry::ids::{OrgId, PersonId, PostId, Role};
use service_kit::principals::{Principal, Principals, token_sha256};

use crate::exit::Failure;

/// Roles that are limited to an area; at the centre that is the whole district.
const LOCAL: [Role; 6] = [
    Role::GridWorker,
    Role::LaneSteward,
    Role::Inspector,
    Role::CommunityOfficer,
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
];

/// Roles that may read the feed of their own organisation.
const FEED: [Role; 5] = [
    Role::OrgDispatcher,
    Role::Handler,
    Role::CommunityOfficer,
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
];

/// One person of the sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    /// The token, made of the post's id.
    pub token: String,
    /// The person.
    pub person: PersonId,
    /// The post held.
    pub post: PostId,
    /// The organisation.
    pub org: OrgId,
    /// What the post may act as.
    pub roles: Vec<Role>,
}

/// Everybody who may call in a sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Sandbox {
    /// People, in the order of the registry.
    pub seats: Vec<Seat>,
    /// Who may call, for the services.
    pub principals: Principals,
    known: Vec<(String, Principal)>,
}

impl Sandbox {
    /// Everybody of a registry: `sandbox-POST` for who holds a post, `sandbox-POST-2` for the second, `sandbox-source-SOURCE` for a
    /// system.
    ///
    /// # Errors
    /// When the registry has ids that are no principals, which a test would have told.
    pub(crate) fn of(content: &Content) -> Result<Self, Failure> {
        let mut seats: Vec<Seat> = Vec::new();
        let mut known = Vec::new();
        for person in &content.people {
            let Some(post) = person.posts.first() else { continue };
            let Some(post) = content.posts.iter().find(|own| own.id == *post) else { continue };
            let roles: Vec<Role> =
                post.roles.iter().copied().filter(|role| *role != Role::SourceSystem).collect();
            if roles.is_empty() {
                continue;
            }
            let nth = seats.iter().filter(|seat| seat.post == post.id).count();
            let token = if nth == 0 {
                format!("sandbox-{}", post.id)
            } else {
                format!("sandbox-{}-{}", post.id, nth + 1)
            };
            let local = roles.iter().any(|role| LOCAL.contains(role));
            let area = post.area.clone().or_else(|| local.then(|| content.jurisdiction.code.clone()));
            let principal = Principal {
                id: person.id.to_string(),
                person: Some(person.id.clone()),
                source: None,
                org: Some(post.org.clone()),
                area,
                roles: roles.clone(),
            };
            known.push((token.clone(), principal));
            seats.push(Seat {
                token,
                person: person.id.clone(),
                post: post.id.clone(),
                org: post.org.clone(),
                roles,
            });
        }
        for source in &content.jurisdiction.sources {
            let principal = Principal {
                id: format!("source-{}", source.id),
                person: None,
                source: Some(source.id.clone()),
                org: Some(source.org.clone()),
                area: None,
                roles: vec![Role::SourceSystem],
            };
            known.push((format!("sandbox-source-{}", source.id), principal));
        }
        let principals = Principals::fixed(known.clone()).map_err(Failure::internal)?;
        Ok(Self { seats, principals, known })
    }

    /// The same as a file for `serve`, each token in a comment above its digest.
    pub(crate) fn file(&self) -> String {
        let mut file =
            String::from("# A sandbox: these tokens are public. Never for a district of its own.\n");
        for (token, principal) in &self.known {
            let Principal { id, person, source, org, area, roles } = principal;
            let mut line = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    // Writing into a text cannot fail.
                    writeln!(file, "{name} = {value:?}").unwrap_or_default();
                }
            };
            line(&format!("\n# token: {token}\n[[principal]]\ntoken_sha256"), Some(token_sha256(token)));
            line("id", Some(id.clone()));
            line("person", person.as_ref().map(ToString::to_string));
            line("source", source.as_ref().map(ToString::to_string));
            line("org", org.as_ref().map(ToString::to_string));
            line("area", area.as_ref().map(ToString::to_string));
            // A list of names is written the same in JSON and TOML.
            let roles = serde_json::to_string(roles).unwrap_or_default();
            writeln!(file, "roles = {roles}").unwrap_or_default();
        }
        file
    }

    /// Who holds a post, the first of them.
    pub(crate) fn holder(&self, post: &str) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.post.as_str() == post)
    }

    /// Who acts for an organisation when nobody is named: its first handler, else its first dispatcher.
    pub(crate) fn handler(&self, org: &str) -> Option<&Seat> {
        let with = |role: Role| {
            self.seats.iter().find(move |seat| seat.org.as_str() == org && seat.roles.contains(&role))
        };
        with(Role::Handler).or_else(|| with(Role::OrgDispatcher))
    }

    /// The first person with a role.
    pub(crate) fn with_role(&self, role: Role) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.roles.contains(&role))
    }

    /// One token an organisation, good for its feed.
    pub(crate) fn feed_tokens(&self) -> Vec<(&OrgId, &str)> {
        let mut tokens: Vec<(&OrgId, &str)> = Vec::new();
        for role in FEED {
            for seat in self.seats.iter().filter(|seat| seat.roles.contains(&role)) {
                if !tokens.iter().any(|(org, _)| *org == &seat.org) {
                    tokens.push((&seat.org, &seat.token));
                }
            }
        }
        tokens.sort_unstable();
        tokens
    }
}
