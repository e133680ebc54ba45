use prost::Message as _;
use prost_types::FileDescriptorSet;

/// Full names of all services of the API with the names of their methods, as the protos declare them: what a name from outside is
/// looked up in before it is repeated anywhere.
#[must_use]
pub fn methods() -> Vec<(String, String)> {
    // Bytes of our own making; if they did not read, reflection would not start either.
    let set = FileDescriptorSet::decode(crate::DESCRIPTOR).unwrap_or_default();
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            methods.extend(service.method.iter().map(|method| (name.clone(), method.name().to_owned())));
        }
    }
    methods
}
