//! Bytes as text, bodies as fields.

use serde_json::json;
use wire::pb::whistle::case::v1 as shared;

use crate::hotline::body::{self, Unreadable};
use crate::hotline::text::{cut_bytes, cut_chars, likeliest, mended_json, readings};
use crate::hotline::understand::{Purpose, Ticket, understand};

#[test]
fn utf_8_is_read_as_it_is() {
    assert_eq!(likeliest("8号楼".as_bytes()), ("8号楼".to_owned(), false));
    assert_eq!(likeliest(b"\xef\xbb\xbfabc"), ("abc".to_owned(), false));
    assert_eq!(likeliest(b""), (String::new(), false));
}

#[test]
fn gbk_is_read_and_told_as_damage() {
    let (gbk, _, _) = encoding_rs::GBK.encode("消防通道");
    assert_eq!(likeliest(&gbk), ("消防通道".to_owned(), true));
    let (famous, _, _) = encoding_rs::GBK.encode("中国联通");
    assert_eq!(likeliest(&famous).0, "中国联通");
    let mut mixed = "楼前".as_bytes().to_vec();
    mixed.extend(encoding_rs::GBK.encode("车").0.iter());
    mixed.extend("位".as_bytes());
    assert_eq!(likeliest(&mixed), ("楼前车位".to_owned(), true));
    let all = readings(b"\xff\"");
    assert!(all.damaged && all.texts.iter().all(|text| text.ends_with('"')));
}

#[test]
fn json_slips_are_mended() {
    assert_eq!(mended_json("{\"a\": \"line\nline\"}"), "{\"a\": \"line line\"}");
    assert_eq!(mended_json(r#""cut \ud83d""#), r#""cut \ufffd""#);
    assert_eq!(mended_json(r#""\ude00 \ud83d\ude00 \\ud83d \""#), r#""\ufffd \ud83d\ude00 \\ud83d \""#);
    assert_eq!(mended_json("\\"), "\\");
}

#[test]
fn cuts_never_split_a_character() {
    assert_eq!(cut_chars("8号楼", 2), ("8号", true));
    assert_eq!(cut_chars("8号", 2), ("8号", false));
    assert_eq!(cut_bytes("8号楼", 5), ("8号", true));
    assert_eq!(cut_bytes("8号", 4), ("8号", false));
}

fn new_case(body: &[u8], purpose: Purpose) -> shared::NewCase {
    let read = body::read("application/json; charset=utf-8", body).unwrap();
    let ticket = Ticket { number: "T-1", revision: 1, content_type: "application/json", original: body };
    understand(&ticket, &read, purpose, &registry::sample::registry())
}

#[test]
fn each_field_finds_its_place() {
    let body = json!({
        "title": "题", "content": "文",
        "caller": { "name": "王女士", "phone": 13_800_000_001_u64 },
        "class": "12-3", "matter": "parking", "demand": "help",
        "address": "8号楼", "area": 999_900_001_u64, "compound": "compound-a", "building": "building-8",
        "lat": "36.002", "lon": 120.002, "accuracy_m": 12.4,
        "occurred_time": "2025-09-01T07:50:00+08:00", "due_time": "2025-09-02 08:00:00",
        "confidential": true, "about_org": "交管",
    });
    let made = new_case(body.to_string().as_bytes(), Purpose::Raise);
    assert_eq!(made.text, "题\n文");
    assert_eq!(made.reporters[0].phone, "13800000001");
    assert_eq!((made.matter_id.as_str(), made.demand_class.as_str()), ("parking", "12-3"));
    assert_eq!(made.demand(), shared::DemandKind::Help);
    let place = made.place.unwrap();
    assert_eq!((place.area_code.as_str(), place.building_id.as_str()), ("999900001", "building-8"));
    let point = place.point.unwrap();
    assert_eq!((point.datum(), point.accuracy_m), (shared::Datum::Gcj02, Some(12)));
    assert_eq!(made.external_due_time.unwrap().seconds - made.occurred_time.unwrap().seconds, 86_400 + 600);
    assert_eq!(made.about_org_ids, ["traffic"]);
    assert!(made.confidential && made.defects.is_empty() && made.source_fields_json.is_empty());
}

#[test]
fn a_revision_keeps_every_field_but_the_caller_and_the_text() {
    let body = json!({ "content": "文", "caller": { "phone": "1" }, "address": "8号楼", "x": 1, "y": null });
    let made = new_case(body.to_string().as_bytes(), Purpose::Revise);
    let kept: serde_json::Value = serde_json::from_str(&made.source_fields_json).unwrap();
    assert_eq!(kept, json!({ "address": "8号楼", "x": 1 }));
}

#[test]
fn what_is_kept_is_cut_to_what_fits() {
    let body = json!({ "content": "文", "x": "\"".repeat(30_000) });
    let made = new_case(body.to_string().as_bytes(), Purpose::Raise);
    assert!(made.source_fields_json.len() <= wire::SOURCE_FIELDS_BYTES_MAX);
    assert!(made.defects.contains(&shared::Defect::SourceFieldUnreadable.into()));
    serde_json::from_str::<serde_json::Value>(&made.source_fields_json).unwrap();
}

#[test]
fn what_is_no_body_is_told_apart() {
    let read = |content_type, body: &[u8]| body::read(content_type, body).map(|_| ()).unwrap_err();
    assert_eq!(read("text/xml", b"{}"), Unreadable::ContentTypeUnknown);
    assert_eq!(read("application/json", b"\"text\""), Unreadable::Undecodable);
    assert_eq!(read("application/json", &[b' '; 70_000]), Unreadable::TooLarge);
    for broken in
        [&b"\x0a"[..], b"\x0a\x05ab", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x03", b"\x00\x00"]
    {
        assert_eq!(read("application/x-protobuf", broken), Unreadable::Undecodable, "{broken:?}");
    }
}

/// One field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

#[test]
fn a_protobuf_body_is_read_although_one_field_is_gbk() {
    let (gbk, _, _) = encoding_rs::GBK.encode("消防通道");
    let point =
        [&[0x09][..], &36.002_f64.to_le_bytes(), &[0x11], &120.002_f64.to_le_bytes(), &[0x18, 1]].concat();
    let message = [
        field(1, "题".as_bytes()),
        field(2, &gbk),
        field(4, b"13800000001"),
        vec![7 << 3, 2],
        field(12, &point),
        field(13, &[&[0x08][..], &varint(1_756_684_800)].concat()),
        vec![15 << 3, 1],
    ]
    .concat();
    let read = body::read("application/x-protobuf", &message).unwrap();
    assert!(read.damaged);
    assert_eq!(read.fields["content"], "消防通道");
    assert_eq!(read.fields["caller"], json!({ "phone": "13800000001" }));
    assert_eq!(read.fields["demand"], "HELP");
    assert_eq!((&read.fields["lat"], &read.fields["datum"]), (&json!(36.002), &json!("WGS84")));
    assert_eq!(read.fields["occurred_time"], "2025-09-01T00:00:00.000000Z");
    assert_eq!(read.fields["confidential"], true);
}
