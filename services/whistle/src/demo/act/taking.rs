//! Raising, verifying, filing.

use super::{Answer, Answered, IntakeServiceClient, NewCase, Status, Text, Voice, intake, shared};

impl Voice<'_> {
    pub(super) async fn raise(&self, case: &NewCase) -> Answered {
        let new_case = Some(self.new_case(case));
        call!(
            self,
            IntakeServiceClient,
            raise_case,
            intake::RaiseCaseRequest { command_id: self.id(), new_case }
        )
    }

    pub(super) async fn request_verification(&self, inspector: &str, words: Option<&Text>) -> Answered {
        let seat = self.district.sandbox.holder(inspector);
        let seat = seat.ok_or_else(|| Status::internal(format!("nobody holds {inspector}")))?;
        call!(
            self,
            IntakeServiceClient,
            request_verification,
            intake::RequestVerificationRequest {
                command_id: self.id(),
                case_id: self.case(),
                inspector_person_id: seat.person.to_string(),
                note: self.words(words),
                ..Default::default()
            }
        )
    }

    pub(super) async fn verify(
        &self,
        genuine: bool,
        words: Option<&Text>,
        photos: Option<&[String]>,
    ) -> Answered {
        let evidence = self.photos(photos.unwrap_or_default()).await?;
        call!(
            self,
            IntakeServiceClient,
            verify_case,
            intake::VerifyCaseRequest {
                command_id: self.id(),
                case_id: self.case(),
                genuine: Some(genuine),
                finding: self.words(words),
                evidence,
                ..Default::default()
            }
        )
    }

    pub(super) async fn file(&self, grade: Option<&str>) -> Answered {
        call!(
            self,
            IntakeServiceClient,
            file_case,
            intake::FileCaseRequest {
                command_id: self.id(),
                case_id: self.case(),
                grade: grade.map_or(0, |grade| value!(shared::Grade, "GRADE_", grade)),
                ..Default::default()
            }
        )
    }
}
