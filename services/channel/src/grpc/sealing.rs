//! Where rows are opened and values are sealed.
//!
//! Answers to keyed requests are kept for seven days; they hold contact data, so they are kept
//! sealed under the party's key as well: party's id (16 bytes), then the sealed answer. A person
//! that was erased cannot be read from there either.

use chassis::keyed::{Keyed, KeyedTx, keyed};
use chassis::{Caller, Refusal, TenantId};
use jiff::Timestamp;
use prost::Message;
use proto::channel::v1::Party;
use uuid::Uuid;

use super::{Channel, found};
use crate::domain::{Contact, mail_for_look_up};
use crate::store::{self, LookUp, PartyRow, Writing};
use crate::vault::{DataKey, Holds, Index, WrappedKey};
use crate::{error, wire};

/// A contact ready to be stored.
pub(super) struct Sealed {
    bytes: Vec<u8>,
    mail: Option<[u8; 32]>,
    phone: Option<[u8; 32]>,
}

impl Sealed {
    pub(super) fn writing<'a>(
        &'a self,
        party_id: Uuid,
        region: &'a str,
        at: Timestamp,
    ) -> Writing<'a> {
        Writing {
            party_id,
            region,
            sealed: &self.bytes,
            mail_index: self.mail.as_ref().map(|index| &index[..]),
            phone_index: self.phone.as_ref().map(|index| &index[..]),
            at,
        }
    }

    /// The row as it stands after the writing; its key is not read again.
    pub(super) fn row(
        self,
        party_id: Uuid,
        region: String,
        version: i64,
        created_at: jiff_sqlx::Timestamp,
    ) -> PartyRow {
        PartyRow {
            party_id,
            region,
            version,
            sealed: self.bytes,
            created_at,
            erased_at: None,
            master_key_id: None,
            wrapped: None,
        }
    }
}

impl Channel {
    pub(super) fn new_key(
        &self,
        tenant: &TenantId,
        party: Uuid,
    ) -> Result<(DataKey, WrappedKey), Refusal> {
        let made = self.vault.new_key(tenant, party);
        made.map_err(|why| error::closed(party, why))
    }

    /// The key of a stored party; `PARTY_ERASED` when it has none.
    pub(super) fn key_of(&self, tenant: &TenantId, row: &PartyRow) -> Result<DataKey, Refusal> {
        let party = row.party_id;
        let (Some(id), Some(wrapped)) = (&row.master_key_id, &row.wrapped) else {
            return Err(error::erased(party));
        };
        let stored = WrappedKey {
            master_key_id: id.clone(),
            wrapped: wrapped.clone(),
        };
        let key = self.vault.unwrap(tenant, party, &stored);
        key.map_err(|why| error::closed(party, why))
    }

    pub(super) fn open(&self, key: &DataKey, row: &PartyRow) -> Result<Contact, Refusal> {
        let opened = key.open(Holds::Contact, &row.sealed);
        let opened = opened.map_err(|why| error::closed(row.party_id, why))?;
        // What prost says of a bad encoding names tags and lengths, never content.
        Contact::decode(opened.as_slice()).map_err(Refusal::internal)
    }

    pub(super) fn open_party(&self, tenant: &TenantId, row: &PartyRow) -> Result<Party, Refusal> {
        let contact = self.open(&self.key_of(tenant, row)?, row)?;
        Ok(wire::party(row, contact))
    }

    pub(super) fn seal(
        &self,
        key: &DataKey,
        party: Uuid,
        contact: &Contact,
    ) -> Result<Sealed, Refusal> {
        let tenant = key.tenant();
        let closed = |why| error::closed(party, why);
        let bytes = key
            .seal(Holds::Contact, &contact.encode_to_vec())
            .map_err(closed)?;
        let index = |index, contact: String| match contact.is_empty() {
            true => Ok(None),
            false => self.vault.index(tenant, index, &contact).map(Some),
        };
        let mail = index(Index::Mail, mail_for_look_up(&contact.email)).map_err(closed)?;
        let phone = index(Index::Phone, contact.phone.clone()).map_err(closed)?;
        Ok(Sealed { bytes, mail, phone })
    }

    /// The blind indexes of the contacts wanted; none when none is.
    pub(super) fn look_up(
        &self,
        tenant: &TenantId,
        wanted: &wire::Wanted,
    ) -> Result<Option<LookUp>, Refusal> {
        let index = |index, contact: &Option<String>| {
            let made = contact
                .as_ref()
                .map(|text| self.vault.index(tenant, index, text));
            made.transpose().map_err(Refusal::internal)
        };
        let mail = index(Index::Mail, &wanted.email)?;
        let phone = index(Index::Phone, &wanted.phone)?;
        let any = mail.is_some() || phone.is_some();
        Ok(any.then_some(LookUp { mail, phone }))
    }

    /// What stands for the request where repeated request ids are compared.
    pub(super) fn fingerprint(
        &self,
        caller: &Caller,
        request: &impl Message,
    ) -> Result<Vec<u8>, Refusal> {
        let print = self
            .vault
            .fingerprint(&caller.tenant, &request.encode_to_vec());
        print.map(|print| print.to_vec()).map_err(Refusal::internal)
    }

    pub(super) async fn keyed(
        &self,
        caller: &Caller,
        rpc: &'static str,
        request_id: &str,
        fingerprint: &Vec<u8>,
    ) -> Result<Keyed<Vec<u8>>, Refusal> {
        keyed(&self.db, caller, rpc, request_id, fingerprint).await
    }

    /// Commits, keeping the answer sealed.
    pub(super) async fn finish(
        &self,
        mut tx: KeyedTx,
        key: &DataKey,
        party: Uuid,
        answer: Party,
    ) -> Result<Party, Refusal> {
        let sealed = key.seal(Holds::Answer, &answer.encode_to_vec());
        let sealed = sealed.map_err(|why| error::closed(party, why))?;
        let kept = [party.as_bytes().as_slice(), &sealed].concat();
        tx.became(&answer);
        tx.finish_as(kept.encode_to_vec()).await?;
        Ok(answer)
    }

    /// The answer a keyed request had before; `PARTY_ERASED` when its key is gone.
    pub(super) async fn replay(&self, caller: &Caller, kept: Vec<u8>) -> Result<Party, Refusal> {
        let malformed = || Refusal::internal("a kept answer is too short");
        let (id, sealed) = kept.split_first_chunk::<16>().ok_or_else(malformed)?;
        let id = Uuid::from_bytes(*id);
        let mut read = self.db.read(&caller.tenant).await?;
        let row = found(
            store::by_id(&mut read, caller.tenant.as_str(), id).await,
            id,
        )?;
        read.done();
        let opened = self
            .key_of(&caller.tenant, &row)?
            .open(Holds::Answer, sealed);
        let opened = opened.map_err(|why| error::closed(id, why))?;
        Party::decode(opened.as_slice()).map_err(Refusal::internal)
    }
}
