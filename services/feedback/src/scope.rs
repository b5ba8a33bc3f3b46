//! To whom what belongs, for what a caller may do to it.

use chassis::authz::Scope;
use chassis::names;

use crate::store::SurveyRow;

/// Of a survey: the region of its ticket, and the technician it judges.
pub(crate) fn survey(survey: &SurveyRow) -> Scope {
    let technician = survey.technician_id;
    Scope {
        region: Some(survey.region.clone()).filter(|region| !region.is_empty()),
        technician: technician.map(|id| names::name("technicians", id)),
        ..Scope::default()
    }
}
