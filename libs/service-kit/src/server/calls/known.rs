//! The methods that may be named in metrics and lines. What comes from outside is only ever looked up here, so nobody can make
//! up label values.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};
use tonic::Code;

/// What stands for every method that is not known.
const OTHER: &str = "other";
/// What the server itself offers beside the API.
const OWN: [(&str, &str); 5] = [
    ("grpc.health.v1.Health", "Check"),
    ("grpc.health.v1.Health", "List"),
    ("grpc.health.v1.Health", "Watch"),
    ("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo"),
    ("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo"),
];
/// One more than the largest status code of gRPC.
const CODES: usize = 17;

/// Methods by their path.
#[derive(Debug)]
pub(super) struct Known {
    methods: HashMap<String, Arc<Method>>,
    other: Arc<Method>,
}

impl Known {
    pub(super) fn new() -> Self {
        let own = OWN.into_iter().map(|(service, method)| (service.to_owned(), method.to_owned()));
        let listed = wire::methods().into_iter().chain(own);
        let methods = listed.map(|(service, method)| {
            (format!("/{service}/{method}"), Arc::new(Method::new(&service, &method)))
        });
        Self { methods: methods.collect(), other: Arc::new(Method::new(OTHER, OTHER)) }
    }

    pub(super) fn find(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.methods.get(path).unwrap_or(&self.other))
    }
}

/// A method with its counters, each looked up once.
#[derive(Debug)]
pub(super) struct Method {
    pub service: Arc<str>,
    pub name: Arc<str>,
    seconds: OnceLock<Seconds>,
    requests: [OnceLock<Requests>; CODES],
}

/// The handles of the library do not say what they are.
struct Seconds(Histogram);
struct Requests(Counter);

impl std::fmt::Debug for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seconds")
    }
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Requests")
    }
}

impl Method {
    fn new(service: &str, name: &str) -> Self {
        let requests = std::array::from_fn(|_| OnceLock::new());
        Self { service: service.into(), name: name.into(), seconds: OnceLock::new(), requests }
    }

    /// The answer began.
    pub(super) fn answered(&self, after: Duration) {
        let (service, method) = (&self.service, &self.name);
        let seconds = self.seconds.get_or_init(|| {
            let labels = [("service", Arc::clone(service)), ("method", Arc::clone(method))];
            Seconds(histogram!("whistle_grpc_request_seconds", &labels))
        });
        seconds.0.record(after);
    }

    /// The call ended.
    pub(super) fn ended(&self, code: Code) {
        let (service, method) = (&self.service, &self.name);
        let Some(requests) = usize::try_from(code as i32).ok().and_then(|code| self.requests.get(code))
        else {
            return;
        };
        let requests = requests.get_or_init(|| {
            let labels = [
                ("service", Arc::clone(service)),
                ("method", Arc::clone(method)),
                ("code", Arc::from(name(code))),
            ];
            Requests(counter!("whistle_grpc_requests_total", &labels))
        });
        requests.0.increment(1);
    }
}

/// The code as gRPC writes it.
pub(super) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
