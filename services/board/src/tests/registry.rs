use tonic::{Code, Request};
use wire::pb::whistle::case::v1::{Datum, Point};
use wire::pb::whistle::registry::v1 as pb;
use wire::pb::whistle::registry::v1::registry_service_server::RegistryService;

use super::district::{District, by};
use crate::registry_api::RegistryApi;

async fn api() -> (District, RegistryApi) {
    let district = District::start().await;
    let api = RegistryApi::new(district.world.desk.clone());
    (district, api)
}

fn call<T>(person: &str, message: T) -> Request<T> {
    Request::from_parts(by(person), tonic::Extensions::default(), message)
}

fn content(change: impl Fn(&mut registry::Content)) -> Vec<u8> {
    let mut content = registry::sample::content();
    change(&mut content);
    serde_json::to_vec(&content).unwrap()
}

fn publication(district: &District, content_json: Vec<u8>) -> pb::PublishRegistryRequest {
    let command_id = district.world.command_id().to_string();
    pb::PublishRegistryRequest { command_id, content_json, note: "改名".to_owned() }
}

#[tokio::test]
async fn a_registrar_publishes_and_everybody_sees_it_at_once() {
    let (district, api) = api().await;
    let renamed = content(|content| content.orgs[0].name = "新示例区".to_owned());
    let request = publication(&district, renamed);
    let published = api.publish_registry(call("p-registrar", request.clone())).await.unwrap().into_inner();
    assert_eq!(published.version, 2);
    let repeated = api.publish_registry(call("p-registrar", request)).await.unwrap().into_inner();
    assert_eq!(repeated.version, 2);
    let sections = vec!["orgs".to_owned()];
    let shown =
        api.get_registry(call("p-handler-housing", pb::GetRegistryRequest { sections })).await.unwrap();
    let shown = shown.into_inner();
    assert_eq!((shown.version, shown.summary.unwrap().grids), (2, 6));
    assert!(String::from_utf8(shown.sections[0].json.clone()).unwrap().contains("新示例区"));
}

#[tokio::test]
async fn nobody_else_publishes() {
    let (district, api) = api().await;
    let request = publication(&district, content(|_| {}));
    let refused = api.publish_registry(call("p-dispatcher", request)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn a_wrong_registry_is_refused_with_every_finding() {
    let (district, api) = api().await;
    let wrong = content(|content| {
        content.orgs[3].parent = Some("nowhere".to_owned().try_into().unwrap());
        content.posts[0].org = "no-such-org".to_owned().try_into().unwrap();
    });
    let refused = api.publish_registry(call("p-registrar", publication(&district, wrong))).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = tonic_types::StatusExt::get_error_details(&refused);
    let violations = &details.bad_request().unwrap().field_violations;
    let told = |what: &str| violations.iter().any(|violation| violation.description.contains(what));
    assert!(told("nowhere") && told("no-such-org"), "{violations:?}");
    let garbage = publication(&district, b"{".to_vec());
    let refused = api.publish_registry(call("p-registrar", garbage)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(district.world.desk.published().unwrap().version().0, 1);
}

#[tokio::test]
async fn a_point_resolves_to_its_grid_compound_and_building() {
    let (_district, api) = api().await;
    let point =
        |latitude| Point { latitude, longitude: 120.002, datum: Datum::Wgs84.into(), accuracy_m: Some(5) };
    let ask = |latitude| call("p-grid_worker", pb::ResolvePlaceRequest { point: Some(point(latitude)) });
    let found = api.resolve_place(ask(36.002)).await.unwrap().into_inner();
    assert_eq!(found.candidates[0].name, "甲一社区第一网格");
    assert_eq!((found.compound_name.as_str(), found.building_name.as_str()), ("甲小区", "8号楼"));
    assert!(found.inside_district);
    assert!(!api.resolve_place(ask(10.0)).await.unwrap().into_inner().inside_district);
    assert_eq!(api.resolve_place(ask(91.0)).await.unwrap_err().code(), Code::InvalidArgument);
    let none = call("p-grid_worker", pb::ResolvePlaceRequest { point: None });
    assert_eq!(api.resolve_place(none).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_place_shows_what_is_around_it_and_who_answers() {
    let (_district, api) = api().await;
    let building_id = "building-8".to_owned();
    let asked = pb::ShowPlaceRequest { building_id, ..Default::default() };
    let shown = api.show_place(call("p-resident", asked)).await.unwrap().into_inner();
    let names = |places: &[pb::NamedPlace]| places.iter().map(|place| place.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&shown.within), ["示例区", "甲街道", "甲一社区", "甲小区"]);
    assert_eq!(names(&shown.answering), ["甲一社区", "甲街道", "示例区"]);
    assert_eq!(names(&shown.paired_units), ["甲报到单位", "交管"]);
    assert_eq!(shown.property.unwrap().name, "甲物业");
    let community = pb::ShowPlaceRequest { area_code: "999900001001".to_owned(), ..Default::default() };
    let shown = api.show_place(call("p-resident", community)).await.unwrap().into_inner();
    assert_eq!(names(&shown.contains), ["甲一社区第一网格", "甲一社区第二网格", "甲小区"]);
    let nowhere = pb::ShowPlaceRequest { area_code: "999900777".to_owned(), ..Default::default() };
    assert_eq!(api.show_place(call("p-resident", nowhere)).await.unwrap_err().code(), Code::NotFound);
    let both = pb::ShowPlaceRequest {
        area_code: "999900".to_owned(),
        compound_id: "compound-a".to_owned(),
        ..Default::default()
    };
    assert_eq!(api.show_place(call("p-resident", both)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn matters_and_organisations_are_listed_in_pages() {
    let (_district, api) = api().await;
    let mut met = Vec::new();
    let mut page_token = String::new();
    loop {
        let asked = pb::ListMattersRequest { page_size: 2, page_token, ..Default::default() };
        let page = api.list_matters(call("p-resident", asked)).await.unwrap().into_inner();
        met.extend(page.matters.into_iter().map(|matter| matter.matter_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(met, ["consultation", "fire-passage", "garbage", "parking", "road"]);
    let asked =
        pb::ListRegisteredOrganisationsRequest { under_org_id: "street-a".to_owned(), ..Default::default() };
    let listed = api.list_registered_organisations(call("p-resident", asked)).await.unwrap().into_inner();
    let ids: Vec<_> = listed.organisations.iter().map(|org| org.org_id.as_str()).collect();
    assert_eq!(ids, ["community-a1", "community-a2", "street-a"]);
    assert!(listed.organisations[2].posts.iter().any(|post| post.roles == ["subdistrict_leader"]));
}
