use std::collections::BTreeMap;
use std::path::PathBuf;

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    ServiceDescriptorProto,
};

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/baseline.binpb"))
}

/// Our own files, without comments.
fn today() -> FileDescriptorSet {
    let mut set = FileDescriptorSet::decode(crate::DESCRIPTOR).unwrap();
    set.file.retain(|file| file.package().starts_with("whistle."));
    for file in &mut set.file {
        file.source_code_info = None;
    }
    set
}

/// Everything a client may rely on, flat: full name → what it is.
type Surface = BTreeMap<String, String>;

fn surface(set: &FileDescriptorSet) -> Surface {
    let mut surface = Surface::new();
    for file in &set.file {
        of_file(file, &mut surface);
    }
    surface
}

fn of_file(file: &FileDescriptorProto, surface: &mut Surface) {
    let package = file.package();
    surface.insert(format!("file {}", file.name()), package.to_owned());
    for message in &file.message_type {
        of_message(package, message, surface);
    }
    for values in &file.enum_type {
        of_enum(package, values, surface);
    }
    for service in &file.service {
        of_service(package, service, surface);
    }
}

fn of_message(scope: &str, message: &DescriptorProto, surface: &mut Surface) {
    let name = format!("{scope}.{}", message.name());
    surface.insert(format!("message {name}"), String::new());
    for field in &message.field {
        let oneof = field.oneof_index.and_then(|at| message.oneof_decl.get(usize::try_from(at).unwrap()));
        let oneof = oneof.map(|oneof| oneof.name()).unwrap_or_default();
        surface.insert(format!("field {name}#{}", field.number()), of_field(field, oneof));
    }
    for nested in &message.nested_type {
        of_message(&name, nested, surface);
    }
    for values in &message.enum_type {
        of_enum(&name, values, surface);
    }
}

fn of_field(field: &FieldDescriptorProto, oneof: &str) -> String {
    let (label, kind) = (field.label().as_str_name(), field.r#type().as_str_name());
    let optional = field.proto3_optional();
    format!("{} {label} {kind} {} oneof={oneof} optional={optional}", field.name(), field.type_name())
}

fn of_enum(scope: &str, values: &EnumDescriptorProto, surface: &mut Surface) {
    for value in &values.value {
        let key = format!("value {scope}.{}#{}", values.name(), value.number());
        surface.insert(key, value.name().to_owned());
    }
}

fn of_service(package: &str, service: &ServiceDescriptorProto, surface: &mut Surface) {
    for method in &service.method {
        let ways = (method.client_streaming(), method.server_streaming());
        surface.insert(
            format!("rpc {package}.{}/{}", service.name(), method.name()),
            format!("{} -> {} {ways:?}", method.input_type(), method.output_type()),
        );
    }
}

/// What a client of the one could rely on and a client of the other cannot.
fn broken(before: &Surface, after: &Surface) -> Vec<String> {
    let changed = before.iter().filter(|(name, was)| after.get(*name) != Some(was));
    changed.map(|(name, was)| format!("{name} was '{was}' and is {:?}", after.get(name))).collect()
}

/// Adding is no break; taking away, renaming, renumbering and retyping are. `WHISTLE_BLESS=1` makes today's descriptors the baseline,
/// which only a release does once clients exist.
#[test]
fn descriptors_do_not_break_the_baseline() {
    if std::env::var_os("WHISTLE_BLESS").is_some() {
        std::fs::write(path(), today().encode_to_vec()).unwrap();
    }
    let baseline = FileDescriptorSet::decode(std::fs::read(path()).unwrap().as_slice()).unwrap();
    let before = surface(&baseline);
    assert!(before.len() > 500, "the baseline is a set of descriptors");
    assert_eq!(broken(&before, &surface(&today())), Vec::<String>::new());
}

#[test]
fn removed_field_and_retyped_field_are_seen_as_breaks() {
    let before = surface(&today());
    let mut set = today();
    let receipt = set.file.iter_mut().flat_map(|file| &mut file.message_type);
    let receipt = receipt.into_iter().find(|message| message.name() == "CommandReceipt").unwrap();
    receipt.field.remove(0);
    receipt.field[0].set_type(prost_types::field_descriptor_proto::Type::Bytes);
    assert_eq!(broken(&before, &surface(&set)).len(), 2);
    assert!(broken(&surface(&set), &before).len() == 1, "adding the field again is no break, its type is");
}
