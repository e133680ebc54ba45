/// Implements a generated service whose commands all go the same way: from request to receipt through one decision.
///
/// `#[tonic::async_trait]` has to see the whole block, so the block is made here. What does not go that way is written out after
/// `others`.
#[macro_export]
macro_rules! command_service {
    (
        impl $trait:path as $service:ty;
        messages $messages:ident;
        decide $decide:path;
        commands { $($rpc:ident($request:ident) -> $response:ident;)* }
        others { $($others:tt)* }
    ) => {
        #[tonic::async_trait]
        impl $trait for $service {
            $(
                async fn $rpc(
                    &self,
                    request: tonic::Request<$messages::$request>,
                ) -> Result<tonic::Response<$messages::$response>, tonic::Status> {
                    let receipt = self.desk.run(request, $decide).await?;
                    Ok(tonic::Response::new($messages::$response { receipt: Some(receipt) }))
                }
            )*
            $($others)*
        }
    };
}
