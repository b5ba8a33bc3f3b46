//! Who and what a main job needs: a customer, a technician and a truck that are the canary's.

use prost_types::FieldMask;
use proto::channel::v1 as channel;
use proto::dispatch::v1 as dispatch;
use proto::inventory::v1 as inventory;

use crate::canary::{EMAIL, LATITUDE, LONGITUDE, PHONE, long, said};
use crate::job::Job;

impl Job<'_> {
    pub(crate) async fn the_customer_is_known(&mut self) -> String {
        let party = channel::Party {
            display_name: said("name"),
            email: EMAIL.to_owned(),
            phone: PHONE.to_owned(),
            region: "CN-ZJ".to_owned(),
            ..Default::default()
        };
        let request = |party: &channel::Party| channel::CreatePartyRequest {
            party: Some(party.clone()),
            request_id: "party-1".to_owned(),
        };
        let known = self
            .parties
            .create_party(request(&party))
            .await
            .unwrap()
            .into_inner();
        for (email, phone) in [(EMAIL, ""), ("", PHONE)] {
            let list = channel::ListPartiesRequest {
                email: email.to_owned(),
                phone: phone.to_owned(),
                page_size: 1,
                ..Default::default()
            };
            let found = self.parties.list_parties(list).await.unwrap().into_inner();
            assert_eq!(found.parties.len(), 1);
        }
        let mut renamed = known.clone();
        renamed.display_name = said("other name");
        let update = |party: channel::Party, path: &str| channel::UpdatePartyRequest {
            party: Some(party),
            update_mask: Some(FieldMask {
                paths: vec![path.to_owned()],
            }),
            ..Default::default()
        };
        self.parties
            .update_party(update(renamed.clone(), "display_name"))
            .await
            .unwrap();

        let refused = self
            .parties
            .update_party(update(renamed.clone(), "display_name"))
            .await;
        self.refused("STALE_ETAG", refused);
        let wrong = [
            ("email", said("at nowhere")),
            ("email", format!("{}@example.com", said("blank"))),
            ("email", format!("{}@example.com", long("mail", 400))),
            ("phone", said("phone")),
            ("phone", format!("{PHONE}0000000000000")),
            ("display_name", long("name", 300)),
            ("display_name", format!("{}\u{7}", said("bell"))),
            ("language", said("tongue")),
        ];
        for (field, value) in wrong {
            let mut party = party.clone();
            match field {
                "email" => party.email = value,
                "phone" => party.phone = value,
                "language" => party.language = value,
                _ => party.display_name = value,
            }
            party.etag = String::new();
            let mut create = request(&party);
            create.request_id = String::new();
            let refused = self.parties.create_party(create).await;
            self.refused("INVALID_FIELDS", refused);
            party.name.clone_from(&known.name);
            let refused = self
                .parties
                .update_party(update(party.clone(), field))
                .await;
            self.refused("INVALID_FIELDS", refused);
            let (email, phone) = (party.email, party.phone);
            if ["email", "phone"].contains(&field) {
                let list = channel::ListPartiesRequest {
                    email,
                    phone,
                    ..Default::default()
                };
                let refused = self.parties.list_parties(list).await;
                self.refused("INVALID_FIELDS", refused);
            }
        }
        let mut other = party.clone();
        other.display_name = said("somebody else");
        let refused = self.parties.create_party(request(&other)).await;
        self.refused("REQUEST_ID_REUSED", refused);
        known.name
    }

    pub(crate) async fn people_and_places_are_added(&mut self) {
        let mut technicians = self.world.technicians();
        let home = (LATITUDE, LONGITUDE);
        let technician =
            stories::world::seeds::technician("CANARY", &said("technician"), "CN-ZJ", home);
        let request = |technician: &dispatch::Technician| dispatch::CreateTechnicianRequest {
            technician: Some(technician.clone()),
            ..Default::default()
        };
        technicians
            .create_technician(request(&technician))
            .await
            .unwrap();
        let refused = technicians.create_technician(request(&technician)).await;
        self.refused("TECHNICIAN_EXISTS", refused);
        let mut wrong = technician;
        wrong.display_name = long("technician", 200);
        wrong.home_latitude = LATITUDE * 10.0;
        let refused = technicians.create_technician(request(&wrong)).await;
        self.refused("INVALID_FIELDS", refused);

        let mut stock = self.world.stock();
        let truck = |title: String| inventory::CreateStockLocationRequest {
            stock_location: Some(inventory::StockLocation {
                code: "TRUCK-1".to_owned(),
                kind: inventory::stock_location::Kind::Truck.into(),
                title,
                latitude: LATITUDE,
                longitude: LONGITUDE,
                region: "CN-ZJ".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        stock
            .create_stock_location(truck(said("truck")))
            .await
            .unwrap();
        let refused = stock.create_stock_location(truck(said("truck"))).await;
        self.refused("LOCATION_EXISTS", refused);
        let refused = stock.create_stock_location(truck(long("truck", 300))).await;
        self.refused("INVALID_FIELDS", refused);
        let received = |reference: String| inventory::ReceiveStockRequest {
            location: "stockLocations/TRUCK-1".to_owned(),
            part: "parts/KBD-14".to_owned(),
            quantity: 2,
            reference,
            ..Default::default()
        };
        stock
            .receive_stock(received(said("delivery")))
            .await
            .unwrap();
        let refused = stock.receive_stock(received(long("delivery", 300))).await;
        self.refused("INVALID_FIELDS", refused);
        let counted = |reason: String, delta: i64| inventory::AdjustStockRequest {
            location: "stockLocations/TRUCK-1".to_owned(),
            part: "parts/KBD-14".to_owned(),
            delta,
            reason,
            ..Default::default()
        };
        stock
            .adjust_stock(counted(said("count"), -1))
            .await
            .unwrap();
        let refused = stock.adjust_stock(counted(long("count", 300), -1)).await;
        self.refused("INVALID_FIELDS", refused);
        let refused = stock.adjust_stock(counted(said("count"), -9)).await;
        self.refused("STOCK_TOO_LOW", refused);
    }
}
