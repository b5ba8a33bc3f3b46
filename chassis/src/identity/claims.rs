//! What a token says, and the rules by which it is a caller.

use proto::kinds::v1::Role;
use serde::{Deserialize, Serialize};

use super::LONGEST_LIFE_S;
use super::distrust::Distrust;
use super::keys::Issuer;
use crate::caller::{Caller, TenantId};
use crate::names;

/// Longest `sub`, `region` and `partner`, in bytes.
const LONGEST_NAME: usize = 256;

/// The claims of a token. A repeated claim or one of another type is no claim.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    /// The principal.
    pub(super) sub: String,
    pub(super) tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<String>,
    pub(super) roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) customer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partner: Option<String>,
    /// Seconds since 1970, as `nbf` and `exp`.
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
}

impl Claims {
    /// The caller's claims, for `life_s` from `now`.
    pub(super) fn of(caller: &Caller, iss: &Issuer, aud: &str, now: i64, life_s: i64) -> Claims {
        Claims {
            iss: iss.to_string(),
            aud: aud.to_owned(),
            sub: caller.principal.clone(),
            tenant: caller.tenant.as_str().to_owned(),
            region: caller.region.clone(),
            roles: caller.roles.clone(),
            customer: caller.customer.clone(),
            partner: caller.partner.clone(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(life_s),
        }
    }

    /// First and last second; refuses a life of more than 15 minutes.
    pub(super) fn life(&self) -> Result<(i64, i64), Distrust> {
        let begin = self.iat.max(self.nbf);
        let life = self.exp.saturating_sub(self.iat.min(self.nbf));
        let most = i64::try_from(LONGEST_LIFE_S).unwrap_or(i64::MAX);
        match self.exp > begin && life <= most {
            true => Ok((begin, self.exp)),
            false => Err(Distrust::Life),
        }
    }

    /// The caller, when the claims obey the rules of roles and the issuer may say so.
    pub(super) fn caller(self, issuer: &Issuer) -> Result<Caller, Distrust> {
        let tenant = TenantId::parse(&self.tenant).map_err(|_| Distrust::Malformed)?;
        let texts = [Some(&self.sub), self.region.as_ref(), self.partner.as_ref()];
        if !texts.into_iter().flatten().all(|text| is_name(text)) {
            return Err(Distrust::Malformed);
        }
        let mut roles = self
            .roles
            .iter()
            .map(|name| role(name).ok_or(Distrust::Role))
            .collect::<Result<Vec<Role>, Distrust>>()?;
        roles.sort_unstable_by_key(|role| role_name(*role));
        roles.dedup();
        self.fits(&roles)?;
        if !issuer.may_mint(&roles, &self.sub) {
            return Err(Distrust::Overreach);
        }
        Ok(Caller {
            tenant,
            principal: self.sub,
            region: self.region,
            roles: roles.into_iter().map(role_name).collect(),
            customer: self.customer,
            partner: self.partner,
        })
    }

    /// Kinds of callers do not mix, and each says what its kind needs and no more.
    fn fits(&self, roles: &[Role]) -> Result<(), Distrust> {
        let kind = match roles {
            [] => return Err(Distrust::Role),
            [one] => *one,
            several if several.iter().copied().all(is_staff) => Role::Agent,
            _ => return Err(Distrust::MixedRoles),
        };
        let is_partner = matches!(kind, Role::PartnerAdmin | Role::PartnerTechnician);
        let is_technician = matches!(kind, Role::Technician | Role::PartnerTechnician);
        let customer = self.customer.as_deref();
        let customer_fits = match (kind, customer) {
            (Role::Customer, Some(party)) => names::parse("parties", party).is_some(),
            (Role::Customer, None) => false,
            (_, customer) => customer.is_none(),
        };
        let partner_fits = self.partner.is_some() == is_partner;
        let sub_fits = !is_technician || names::parse("technicians", &self.sub).is_some();
        match customer_fits && partner_fits && sub_fits {
            true => Ok(()),
            false => Err(Distrust::Misfit),
        }
    }
}

/// Not empty, not long, nothing that a line or a log could break at.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

/// Staff, whose roles may be held together.
fn is_staff(role: Role) -> bool {
    matches!(
        role,
        Role::Agent
            | Role::Supervisor
            | Role::Dispatcher
            | Role::StockKeeper
            | Role::Auditor
            | Role::Admin
    )
}

/// The role that a token writes so: "stock_keeper".
fn role(name: &str) -> Option<Role> {
    let lower = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let role = Role::from_str_name(&name.to_ascii_uppercase());
    role.filter(|role| lower && *role != Role::Unspecified)
}

/// As a token writes it.
fn role_name(role: Role) -> String {
    role.as_str_name().to_ascii_lowercase()
}
