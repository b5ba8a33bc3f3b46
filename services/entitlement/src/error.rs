//! Situations a caller of this service can act on, beyond those every service shares.

use chassis::Refusal;
use proto::entitlement::v1::ErrorReason;
use tonic::Code;

/// The ErrorInfo domain of this package's reasons.
const DOMAIN: &str = "entitlement.fettle";

/// No device has this serial number (and product).
pub(crate) fn asset_unknown(serial_number: &str, product: Option<&str>) -> Refusal {
    let message = match product {
        Some(product) => format!("no {product} with serial number {serial_number} is registered"),
        None => format!("no device with serial number {serial_number} is registered"),
    };
    let refusal = Refusal::new(Code::NotFound, DOMAIN, ErrorReason::AssetUnknown, message)
        .with("serial_number", serial_number);
    match product {
        Some(product) => refusal.with("product", product),
        None => refusal,
    }
}

/// The serial number exists for several products.
pub(crate) fn serial_ambiguous(serial_number: &str, products: &[&str]) -> Refusal {
    let products = products.join(",");
    let message = format!("serial number {serial_number} exists for {products}; name the product");
    let reason = ErrorReason::SerialAmbiguous;
    Refusal::new(Code::FailedPrecondition, DOMAIN, reason, message)
        .with("serial_number", serial_number)
        .with("products", products)
}

/// The serial number of this product is registered already.
pub(crate) fn asset_exists(name: &str) -> Refusal {
    let message = format!("{name} has this serial number and product already");
    let reason = ErrorReason::AssetExists;
    Refusal::new(Code::AlreadyExists, DOMAIN, reason, message).with("name", name)
}

/// No contract policy has this identifier.
pub(crate) fn policy_unknown(policy: &str) -> Refusal {
    let message = format!("no contract policy {policy} is loaded");
    let reason = ErrorReason::PolicyUnknown;
    Refusal::new(Code::NotFound, DOMAIN, reason, message).with("policy", policy)
}
