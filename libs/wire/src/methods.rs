use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

/// Full names of all services of the API with the names of their methods, as the protos declare them: what a name from outside is
/// looked up in before it is repeated anywhere.
#[must_use]
pub fn methods() -> Vec<(String, String)> {
    declared(|service, method| Some((service.to_owned(), method.name().to_owned())))
}

/// Paths of the methods that take a stream and answer once, after its end: how long one may take is up to the line of whoever sends.
#[must_use]
pub fn uploads() -> Vec<String> {
    declared(|service, method| {
        let is_upload = method.client_streaming() && !method.server_streaming();
        is_upload.then(|| format!("/{service}/{}", method.name()))
    })
}

/// What is made of the methods that the protos declare, each with the full name of its service.
fn declared<T>(make: impl Fn(&str, &MethodDescriptorProto) -> Option<T>) -> Vec<T> {
    // Bytes of our own making; if they did not read, reflection would not start either.
    let set = FileDescriptorSet::decode(crate::DESCRIPTOR).unwrap_or_default();
    let mut made = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            made.extend(service.method.iter().filter_map(|method| make(&name, method)));
        }
    }
    made
}
