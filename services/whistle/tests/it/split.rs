use crate::district::District;
use crate::process::{json, run, told};

#[test]
fn six_processes_take_a_case_from_the_street_to_the_department() {
    let district = District::start(1);
    let server = district.server();
    let call = |token: &str, arguments: &[&str]| {
        json(&[arguments, &["--server", server.as_str(), "--token", token, "-o", "json"]].concat())
    };
    let raised = call("sandbox-qianjin-grid-worker-1", &["raise", "--text", "路灯不亮"]);
    let id = raised["case_id"].as_str().unwrap();
    let shown = call("sandbox-centre-officer-1", &["case", "show", id]);
    assert!(shown.to_string().contains(id), "{shown}");
    let nobody = run(&["case", "show", id, "--server", &server, "--token", "nobody"]);
    assert_eq!(nobody.status.code(), Some(77), "{}", told(&nobody));
    district.stop();
}
