//! The questions whose answer weighs several rules.

use crate::ids::{AreaCode, AreaLevel, OrgId, RuleId};
use crate::matrix::{Assignee, MatrixQuery, Responsibility};
use crate::orgs::Post;
use crate::policies::{ClockQuery, ClockRule, Recipient, Scope};
use crate::registry::Registry;

impl Registry {
    /// Who is responsible: the most specific row whose lead the place can fill, else its subdistrict, else the centre.
    #[must_use]
    pub fn responsible(&self, query: &MatrixQuery<'_>) -> Responsibility {
        let category = query.matter.and_then(|id| self.matter(id)).map(|matter| &matter.category);
        let rows = self.matrix.iter().filter_map(|at| self.content.matrix.get(*at));
        for row in rows.filter(|row| row.fits(query, category)) {
            let Some(lead) = self.assignee(&row.lead, query) else { continue };
            let mut co: Vec<OrgId> = Vec::new();
            for helper in row.co.iter().filter_map(|helper| self.assignee(helper, query)) {
                if helper != lead && !co.contains(&helper) {
                    co.push(helper);
                }
            }
            return Responsibility { lead, co, basis: row.rule.clone(), fallback: false };
        }
        let (lead, basis) = match query.area.and_then(|area| self.subdistrict_of(area)) {
            Some(office) => (office, RuleId::fallback_subdistrict()),
            None => (self.district_centre(), RuleId::fallback_district()),
        };
        Responsibility { lead: lead.clone(), co: Vec::new(), basis, fallback: true }
    }

    /// The organisation that fills a part at a place; none when the place has none, or it takes no duties.
    fn assignee(&self, assignee: &Assignee, query: &MatrixQuery<'_>) -> Option<OrgId> {
        let compound = query.compound.and_then(|id| self.compound(id));
        let area = query.area.or(compound.map(|compound| &compound.community));
        let id = match assignee {
            Assignee::Org(id) => Some(id),
            Assignee::Subdistrict => area.and_then(|area| self.subdistrict_of(area)),
            Assignee::Community => self.answering.get(&area?.at(AreaLevel::Community)?),
            Assignee::Property => compound?.property.as_ref(),
            Assignee::Owner => compound?.owner.as_ref(),
            Assignee::Owners => compound?.owners.as_ref(),
            Assignee::Centre => Some(self.district_centre()),
        };
        id.filter(|id| self.org(id).is_some_and(|org| org.active)).cloned()
    }

    /// The most specific rule for a clock; the linter has refused ties.
    #[must_use]
    pub fn clock_rule(&self, query: &ClockQuery<'_>) -> Option<&ClockRule> {
        let rules = self.clocks.get(&query.kind)?.iter();
        rules.filter_map(|at| self.content.policies.clocks.get(*at)).find(|rule| rule.fits(query))
    }

    /// The posts that hear of a step of the ladder, for a duty of `holder` at a place. Empty is an error to be recorded,
    /// not silence; a case nobody holds is the centre's.
    #[must_use]
    pub fn recipients(&self, to: &Recipient, holder: Option<&OrgId>, area: Option<&AreaCode>) -> Vec<&Post> {
        let holder = holder.unwrap_or(self.district_centre());
        let orgs: Vec<&OrgId> = match to.of {
            Scope::Holder => vec![holder],
            Scope::Above => self.org(holder).and_then(|org| org.parent.as_ref()).into_iter().collect(),
            Scope::Subdistrict => area.and_then(|area| self.subdistrict_of(area)).into_iter().collect(),
            Scope::District => {
                let district = self.org_for_area(&self.content().jurisdiction.code);
                std::iter::once(self.district_centre()).chain(district).collect()
            }
        };
        orgs.into_iter().flat_map(|org| self.posts_with_role(org, to.role)).collect()
    }
}
