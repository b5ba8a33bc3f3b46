//! What the contract says of who may call an RPC.

use std::collections::BTreeSet;

use crate::json::{ContractError, pool};

/// Paths of the RPCs that are answered to everybody, by the option `fettle.type.v1.public`:
/// "/fettle.feedback.v1.SurveyService/GetSurvey".
///
/// # Errors
/// When the contract cannot be read.
pub fn public_rpcs() -> Result<BTreeSet<String>, ContractError> {
    let pool = pool()?;
    let option = pool
        .get_extension_by_name("fettle.type.v1.public")
        .ok_or_else(|| ContractError("the option public is not of this contract".to_owned()))?;
    let methods = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>());
    let public = methods.filter(|method| {
        let options = method.options();
        options.get_extension(&option).as_bool() == Some(true)
    });
    let path = |method: prost_reflect::MethodDescriptor| {
        format!("/{}/{}", method.parent_service().full_name(), method.name())
    };
    Ok(public.map(path).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_a_customer_does_by_a_link_is_public() {
        let public = super::public_rpcs().unwrap();
        let expected = [
            "/fettle.feedback.v1.SurveyService/GetSurvey",
            "/fettle.feedback.v1.SurveyService/SubmitSurvey",
        ];
        assert!(public.iter().eq(expected), "{public:?}");
    }
}
