//! Tickets in, receipts out.

use case::event::Intake;
use case::event::parts::Defect;
use case::flow::Status;
use case::ids::KeyId;
use serde_json::json;
use tonic::Code;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1::from_source::Message as Said;
use wire::pb::whistle::intake::v1::{
    ReceiptResult, SourceDecision, SourceExternalDue, SourceReminder, SourceReopening, SourceTicket,
    SourceWithdrawal,
};

use super::support::{District, good, is, json_ticket, ticket};

#[tokio::test]
async fn a_ticket_becomes_a_case_and_its_caller_goes_into_the_vault() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(json_ticket("T-1", 1, &good("又被占了"))).await;
    is(&receipt, ReceiptResult::Accepted);
    assert_eq!(receipt.status(), shared::CaseStatus::Raised);
    assert!(receipt.defects.is_empty() && !receipt.case_number.is_empty());
    let case = district.case(&receipt).await;
    assert_eq!(district.opened(&case, "text", case.text.as_ref()).await, "占车位\n又被占了");
    assert_eq!(district.opened(&case, "note", case.place.note.as_ref()).await, "8号楼前");
    assert_eq!(case.matter.as_ref().unwrap().as_str(), "parking", "found by its name");
    assert_eq!(case.occurred_at.to_string(), "2025-08-31T23:50:00.000000Z");
    let contact = district.world.desk.vault.contact(case.id, &KeyId::reporter(1)).await.unwrap().unwrap();
    assert_eq!(contact.phone.as_deref(), Some("13800000001"));
    assert!(case.reporters[0].contactable);
    for event in district.events(case.id).await {
        let stored = String::from_utf8(event.encode().unwrap()).unwrap();
        assert!(!stored.contains("13800000001") && !stored.contains("王女士") && !stored.contains("占了"));
    }
}

#[tokio::test]
async fn the_same_ticket_twice_is_one_case() {
    let district = District::start().await;
    let push = || json_ticket("T-1", 1, &good("又被占了"));
    let mut line = district.line("hotline").await.unwrap();
    let first = line.push(push()).await;
    let head = district.world.desk.ledger.head();
    let second = line.push(push()).await;
    is(&second, ReceiptResult::Duplicate);
    assert_eq!((&second.case_id, &second.case_number), (&first.case_id, &first.case_number));
    // Over another stream, also at the same time.
    let (mut one, mut other) =
        (district.line("hotline").await.unwrap(), district.line("hotline").await.unwrap());
    let (again, and_again) = tokio::join!(one.push(push()), other.push(push()));
    is(&again, ReceiptResult::Duplicate);
    is(&and_again, ReceiptResult::Duplicate);
    assert_eq!(district.world.desk.ledger.head(), head, "nothing more was written");
}

#[tokio::test]
async fn pushed_at_once_from_two_lines_one_makes_the_case() {
    let district = District::start().await;
    let (mut one, mut other) =
        (district.line("hotline").await.unwrap(), district.line("hotline").await.unwrap());
    let push = |revision| json_ticket("T-9", revision, &good("又被占了"));
    let (first, second) = tokio::join!(one.push(push(1)), other.push(push(2)));
    assert_eq!(first.case_id, second.case_id);
    let mut results = [first.result(), second.result()];
    results.sort_unstable();
    assert_eq!(results, [ReceiptResult::Accepted, ReceiptResult::Revised]);
}

#[tokio::test]
async fn revisions_come_in_any_order_and_the_highest_is_shown() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let push = |revision: u32| {
        let mut body = good(&format!("第{revision}版"));
        body["caller"]["phone"] = json!(format!("1380000000{revision}"));
        json_ticket("T-1", revision, &body)
    };
    is(&line.push(push(2)).await, ReceiptResult::Accepted);
    is(&line.push(push(1)).await, ReceiptResult::Revised);
    let receipt = line.push(push(3)).await;
    is(&receipt, ReceiptResult::Revised);
    for revision in [1, 2, 3] {
        is(&line.push(push(revision)).await, ReceiptResult::Duplicate);
    }
    let case = district.case(&receipt).await;
    assert_eq!(case.ticket.as_ref().unwrap().revision, 3);
    assert_eq!(district.opened(&case, "text", case.text.as_ref()).await, "占车位\n第3版");
    let contact = district.world.desk.vault.contact(case.id, &KeyId::reporter(1)).await.unwrap().unwrap();
    assert_eq!(contact.phone.as_deref(), Some("13800000003"), "a late revision does not take the phone back");
    let mut kept = Vec::new();
    for event in district.events(case.id).await {
        if let case::event::Event::Intake(Intake::SourceRevised(revised)) = event {
            let text = district.opened(&case, "text", revised.text.as_ref()).await;
            let fields = district.opened(&case, "source_fields", revised.source_fields.as_ref()).await;
            assert!(fields.contains("8号楼前") && !fields.contains("1380000000"));
            kept.push((revised.ticket.revision, text));
        }
    }
    assert_eq!(kept, [(1, "占车位\n第1版".to_owned()), (3, "占车位\n第3版".to_owned())]);
}

#[tokio::test]
async fn a_revision_with_another_body_is_refused_and_changes_nothing() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    line.push(json_ticket("T-1", 1, &good("一"))).await;
    line.push(json_ticket("T-1", 2, &good("二"))).await;
    let head = district.world.desk.ledger.head();
    for revision in [1, 2] {
        let refused = line.push(json_ticket("T-1", revision, &good("另一"))).await;
        is(&refused, ReceiptResult::Refused);
        assert_eq!(refused.reason, "REVISION_REUSED");
        assert!(!refused.message_zh.is_empty() && !refused.message_en.is_empty());
    }
    assert_eq!(district.world.desk.ledger.head(), head);
}

#[tokio::test]
async fn a_gbk_byte_is_read_and_the_original_kept() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let (gbk, _, _) = encoding_rs::GBK.encode("{\"content\": \"消防通道被占\", \"class\": \"消防通道堵塞\"}");
    let mut mixed = "{\"area\": \"999900001001001\", \"content\": \"楼前的".as_bytes().to_vec();
    mixed.extend(encoding_rs::GBK.encode("车").0.iter());
    mixed.extend("位\"}".as_bytes());
    for (number, body, text) in [("T-1", gbk.to_vec(), "消防通道被占"), ("T-2", mixed, "楼前的车位")]
    {
        let receipt = line.push(ticket(number, 1, body.clone())).await;
        is(&receipt, ReceiptResult::Accepted);
        assert!(receipt.defects.contains(&shared::Defect::TextDamaged.into()));
        let case = district.case(&receipt).await;
        assert_eq!(district.opened(&case, "text", case.text.as_ref()).await, text);
        let events = district.events(case.id).await;
        let case::event::Event::Intake(Intake::CaseRaised(raised)) = &events[0] else { panic!("{events:?}") };
        let kept = district.opened(&case, "source_fields", raised.source_fields.as_ref()).await;
        let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
        use base64::Engine as _;
        let original =
            base64::engine::general_purpose::STANDARD.decode(kept["_original"]["base64"].as_str().unwrap());
        assert_eq!(original.unwrap(), body);
    }
}

#[tokio::test]
async fn bad_messages_get_a_receipt_and_the_stream_goes_on() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let head = district.world.desk.ledger.head();
    let typed = |content_type: &str| SourceTicket {
        content_type: content_type.to_owned(),
        ..json_ticket("T-1", 1, &good("一"))
    };
    let about = || "T-1".to_owned();
    let said = [
        (Said::Ticket(ticket("T-1", 1, "{\"content\": ")), "UNDECODABLE"),
        (Said::Ticket(ticket("T-1", 1, "[1, 2]")), "UNDECODABLE"),
        (
            Said::Ticket(SourceTicket { body: vec![0xff; 9], ..typed("application/x-protobuf") }),
            "UNDECODABLE",
        ),
        (Said::Ticket(ticket("T-1", 1, vec![b' '; 65_537])), "TOO_LARGE"),
        (Said::Ticket(typed("text/xml")), "CONTENT_TYPE_UNKNOWN"),
        (Said::Ticket(ticket("", 1, "{}")), "TICKET_NUMBER_INVALID"),
        (Said::Ticket(ticket(&"9".repeat(65), 1, "{}")), "TICKET_NUMBER_INVALID"),
        (Said::Reminder(SourceReminder { ticket_number: about() }), "NOT_SUPPORTED_YET"),
        (Said::Withdrawal(SourceWithdrawal { ticket_number: about() }), "NOT_SUPPORTED_YET"),
        (Said::Reopening(SourceReopening { ticket_number: about() }), "NOT_SUPPORTED_YET"),
        (Said::Decision(SourceDecision { ticket_number: about() }), "NOT_SUPPORTED_YET"),
        (Said::ExternalDue(SourceExternalDue { ticket_number: about() }), "NOT_SUPPORTED_YET"),
    ];
    for (message, reason) in said {
        line.say(message).await;
        let receipt = line.receipt().await;
        is(&receipt, ReceiptResult::Refused);
        assert_eq!(receipt.reason, reason);
        assert!(!receipt.message_zh.is_empty() && !receipt.message_en.is_empty());
    }
    assert_eq!(district.world.desk.ledger.head(), head, "no event");
    is(&line.push(json_ticket("T-1", 1, &good("一"))).await, ReceiptResult::Accepted);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_ticket_it_is_taken() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let wrong = json!({
        "content": { "not": "text" },
        "class": "没有这一类",
        "area": "12",
        "lat": "one", "lon": 120.0,
        "demand": "SHOUT",
        "occurred_time": "yesterday",
        "due_time": 17,
        "confidential": "是",
        "about_org": ["交管", "谁也不是"],
        "caller": "王女士",
        "unheard_of": [1, 2, 3],
    });
    let receipt = line.push(json_ticket("T-1", 1, &wrong)).await;
    is(&receipt, ReceiptResult::Accepted);
    let case = district.case(&receipt).await;
    assert_eq!(case.status, Status::Untriaged);
    let expected = [
        Defect::MatterUnknown,
        Defect::AreaUnknown,
        Defect::TextMissing,
        Defect::ContactInvalid,
        Defect::SourceFieldUnreadable,
    ];
    assert_eq!(case.defects, expected);
    assert!(case.confidential, "who may have asked to stay unknown stays unknown");
    assert_eq!(case.about.iter().map(|org| org.as_str()).collect::<Vec<_>>(), ["traffic"]);
    assert!(case.clocks.iter().any(case::state::ClockState::is_open), "and its clock runs");

    let far = json!({ "content": "城外", "lat": 10.0, "lon": 10.0, "datum": "WGS84" });
    let receipt = line.push(json_ticket("T-2", 1, &far)).await;
    assert!(receipt.defects.contains(&shared::Defect::OutsideDistrict.into()));
    for (number, body) in [("T-3", "{}".to_owned()), ("T-4", good(&"长".repeat(4001)).to_string())] {
        is(&line.push(ticket(number, 1, body)).await, ReceiptResult::Accepted);
    }
}

#[tokio::test]
async fn control_characters_keep_no_ticket_out() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let wrong = |key: &str, value: serde_json::Value| {
        let mut body = good("一");
        body[key] = value;
        body
    };
    let bodies = [
        wrong("class", json!("停车\t\u{85}管理")),
        wrong("matter", json!("\u{1}")),
        wrong("area", json!("9999\u{7f}")),
        wrong("address", json!("8号楼\u{7f}前")),
        wrong("content", json!("又被\u{9f}占了")),
        wrong("more", json!({ "a\u{80}b": ["c\u{85}d", "\u{7f}\u{9f}", "\n"] })),
        wrong("caller", json!({ "name": "\u{1}".repeat(200), "phone": "\u{7f}".repeat(200) })),
        wrong("caller", json!({ "name": format!("{}\t", "长".repeat(66)), "more": "\u{7f}" })),
    ];
    for (number, body) in bodies.iter().enumerate() {
        for (revision, result) in [(1, ReceiptResult::Accepted), (2, ReceiptResult::Revised)] {
            let receipt = line.push(json_ticket(&format!("T-{number}"), revision, body)).await;
            assert_eq!(receipt.result(), result, "{body}: {receipt:?}");
        }
    }
}

#[tokio::test]
async fn a_field_with_control_characters_is_kept_as_it_was() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let mut body = good("一");
    let fields =
        [("class", json!("停车\t管理")), ("more", json!({ "a\u{80}b": ["c\u{85}d", "\u{7f}\u{9f}\n"] }))];
    for (key, value) in &fields {
        body[key] = value.clone();
    }
    let receipt = line.push(json_ticket("T-1", 1, &body)).await;
    is(&receipt, ReceiptResult::Accepted);
    let case = district.case(&receipt).await;
    let events = district.events(case.id).await;
    let case::event::Event::Intake(Intake::CaseRaised(raised)) = &events[0] else { panic!("{events:?}") };
    assert_eq!(raised.demand_class.as_deref(), Some("停车 管理"));
    let kept = district.opened(&case, "source_fields", raised.source_fields.as_ref()).await;
    assert!(!kept.contains(char::is_control));
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    for (key, value) in &fields {
        assert_eq!(&kept[key], value);
    }
}

#[tokio::test]
async fn a_large_ticket_of_nothing_but_trouble_is_taken() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let mut body = good(&"\"长\\".repeat(3000));
    body["address"] = json!("远".repeat(3000));
    body["more"] = json!("\"\\\u{1}".repeat(3000));
    let receipt = line.push(json_ticket("T-1", 1, &body)).await;
    is(&receipt, ReceiptResult::Accepted);
    let mut bytes = body.to_string().into_bytes();
    // In the middle of an address, which is then no UTF-8 and half of a character short.
    bytes.splice(20..21, [0xff]);
    let receipt = line.push(ticket("T-2", 1, bytes)).await;
    is(&receipt, ReceiptResult::Accepted);
    assert!(receipt.defects.contains(&shared::Defect::TextDamaged.into()));
    is(&line.push(json_ticket("T-1", 2, &body)).await, ReceiptResult::Revised);
    // Escaped, each takes three times its bytes; cut, it is quoted once more.
    body["more"] = json!("\u{85}\"".repeat(3000));
    is(&line.push(json_ticket("T-3", 1, &body)).await, ReceiptResult::Accepted);
}

#[tokio::test]
async fn receipts_come_in_order_and_all_of_them_when_the_source_hangs_up() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    for number in 1..=300 {
        line.say(Said::Ticket(json_ticket(&format!("T-{number}"), 1, &good("一")))).await;
    }
    let rest = line.rest().await;
    let seqs: Vec<u64> = rest.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    let receipts = rest.iter().filter_map(|message| match &message.message {
        Some(wire::pb::whistle::intake::v1::to_source::Message::Receipt(receipt)) => Some(receipt.seq),
        Some(_) | None => None,
    });
    assert_eq!(receipts.collect::<Vec<_>>(), (1..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_erased_caller_is_not_written_down_again() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(json_ticket("T-1", 1, &good("一"))).await;
    let case = district.case(&receipt).await;
    district.world.desk.vault.destroy_key(case.id, &KeyId::reporter(1)).await.unwrap();
    let refused = line.push(json_ticket("T-1", 2, &good("二"))).await;
    is(&refused, ReceiptResult::Refused);
    assert_eq!(refused.reason, "ERASED");
}

#[tokio::test]
async fn only_a_source_has_a_line() {
    let district = District::start().await;
    let refused = async |who: &str| district.line(who).await.err().unwrap().code();
    assert_eq!(refused("p-call_taker").await, Code::PermissionDenied);
    assert_eq!(refused("nobody").await, Code::Unauthenticated);
}
