//! Over a real connection.

use test_kit::{TestServer, bearer};
use tonic::service::RoutesBuilder;
use tonic::{Code, Request};
use wire::pb::whistle::board::v1 as pb;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;
use wire::pb::whistle::registry::v1::ListMattersRequest;
use wire::pb::whistle::registry::v1::registry_service_client::RegistryServiceClient;

use super::district::District;

fn call<T>(person: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", bearer(person));
    request
}

#[tokio::test]
async fn a_client_reads_lists_and_watches() {
    let district = District::start().await;
    let mut routes = RoutesBuilder::default();
    district.board.add_to(&mut routes);
    let server = TestServer::start(routes.routes(), &district.world.shutdown).await;
    let channel = server.channel().await;
    let mut board = BoardServiceClient::new(channel.clone());
    let id = district.raised(1, "井盖丢失").await;
    let at_least = district.now();
    let asked = pb::ListCasesRequest { at_least: at_least.clone(), ..Default::default() };
    let listed = board.list_cases(call("p-receptionist", asked)).await.unwrap().into_inner();
    assert_eq!(listed.cases[0].case_id, id.to_string());
    let asked = pb::GetCaseRequest { case_id: id.to_string(), ..Default::default() };
    let case =
        board.get_case(call("p-receptionist", asked.clone())).await.unwrap().into_inner().case.unwrap();
    assert_eq!(case.text.unwrap().text, "井盖丢失");
    assert_eq!(
        board.get_case(call("nobody", asked.clone())).await.unwrap_err().code(),
        Code::Unauthenticated
    );
    assert_eq!(board.get_case(call("p-handler-housing", asked)).await.unwrap_err().code(), Code::NotFound);

    let watched =
        pb::WatchCasesRequest { case_id: id.to_string(), after: listed.position_token, ..Default::default() };
    let mut updates = board.watch_cases(call("p-receptionist", watched)).await.unwrap().into_inner();
    district.accept(id).await;
    let update = loop {
        let update = updates.message().await.unwrap().unwrap();
        if update.kind() != pb::UpdateKind::Bookmark {
            break update;
        }
    };
    assert_eq!(update.case.unwrap().version, district.case(id).await.version);
    drop(updates);

    let mut registry = RegistryServiceClient::new(channel);
    let matters = registry.list_matters(call("p-resident", ListMattersRequest::default())).await.unwrap();
    assert_eq!(matters.into_inner().matters.len(), 5);
    drop((board, registry));
    server.stop().await;
}
