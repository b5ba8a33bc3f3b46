use proto::dispatch::v1 as pb;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_is_added_read_listed_and_changed() {
    let house = house().await;
    let mut client = house.technicians.clone();
    let mut new = technician("HZ-1");
    new.skills[0].valid_until = "2027-01-31".into();
    new.shifts[6].end = "24:00".into();
    new.partner = "organizations/fixit".into();

    let added = house.add(new.clone()).await;
    let request = pb::GetTechnicianRequest {
        name: added.name.clone(),
    };
    assert_eq!(
        client.get_technician(request).await.unwrap().into_inner(),
        added
    );
    assert_eq!((&added.skills, &added.shifts), (&new.skills, &new.shifts));

    for code in ["HZ-3", "HZ-2"] {
        house.add(technician(code)).await;
    }
    let mut other = technician("SH-1");
    (other.region, other.skills[0].skill) = ("cn-south".into(), "PRINTER_REPAIR".into());
    house.add(other).await;
    let mut list = pb::ListTechniciansRequest {
        page_size: 2,
        ..Default::default()
    };
    list.region = "cn-east".into();
    let first = client
        .list_technicians(list.clone())
        .await
        .unwrap()
        .into_inner();
    let codes = |page: &pb::ListTechniciansResponse| {
        page.technicians
            .iter()
            .map(|t| t.code.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&first), ["HZ-1", "HZ-2"]);
    list.page_token = first.next_page_token;
    let second = client
        .list_technicians(list.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (codes(&second), second.next_page_token.as_str()),
        (vec!["HZ-3".into()], "")
    );
    list.region = String::new();
    let foreign = client.list_technicians(list).await.unwrap_err();
    assert_eq!(reason(&foreign), "PAGE_TOKEN_INVALID");
    let skilled = pb::ListTechniciansRequest {
        skill: "PRINTER_REPAIR".into(),
        ..Default::default()
    };
    let skilled = client.list_technicians(skilled).await.unwrap().into_inner();
    assert_eq!(codes(&skilled), ["SH-1"]);

    let mut change = pb::UpdateTechnicianRequest {
        technician: Some(pb::Technician {
            inactive: true,
            display_name: "Wang".into(),
            ..added.clone()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["inactive".into()],
        }),
        request_id: String::new(),
    };
    let changed = client
        .update_technician(change.clone())
        .await
        .unwrap()
        .into_inner();
    assert!(changed.inactive && changed.display_name == "Li Wei" && changed.etag != added.etag);
    let stale = client.update_technician(change.clone()).await.unwrap_err();
    assert_eq!(reason(&stale), "STALE_ETAG");
    change.technician.as_mut().unwrap().name = name("technicians");
    assert_eq!(
        reason(&client.update_technician(change).await.unwrap_err()),
        "NOT_FOUND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_belongs_to_one_technician() {
    let house = house().await;
    let first = house.add(technician("HZ-1")).await;
    let request = pb::CreateTechnicianRequest {
        technician: Some(technician("HZ-1")),
        request_id: String::new(),
    };
    let refused = house
        .technicians
        .clone()
        .create_technician(request)
        .await
        .unwrap_err();
    assert_eq!(
        (reason(&refused), fact(&refused, "name")),
        ("TECHNICIAN_EXISTS".into(), first.name)
    );
    let missing = pb::GetTechnicianRequest {
        name: name("technicians"),
    };
    let missing = house
        .technicians
        .clone()
        .get_technician(missing)
        .await
        .unwrap_err();
    assert_eq!(reason(&missing), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_technician_is_named_at_once() {
    let house = house().await;
    let mut client = house.technicians.clone();
    let mut bad = technician("");
    bad.time_zone = String::new();
    (bad.home_latitude, bad.home_longitude) = (91.0, -181.0);
    bad.skills.push(bad.skills[0].clone());
    bad.skills[1].level = 6;
    bad.skills[1].valid_until = "31.01.2027".into();
    bad.shifts[0].weekday = 8;
    bad.shifts[1].end = "09:00".into();
    bad.shifts[2].start = "9:00".into();
    bad.shifts.push(bad.shifts[6].clone());
    bad.partner = "fixit".into();
    let request = pb::CreateTechnicianRequest {
        technician: Some(bad),
        request_id: String::new(),
    };
    let mut violated = fields(&client.create_technician(request).await.unwrap_err());
    violated.sort();
    let expected = [
        "technician.code",
        "technician.home_latitude",
        "technician.home_longitude",
        "technician.partner",
        "technician.shifts[0].weekday",
        "technician.shifts[1].end",
        "technician.shifts[2].start",
        "technician.shifts[7].start",
        "technician.skills[1].level",
        "technician.skills[1].skill",
        "technician.skills[1].valid_until",
        "technician.time_zone",
    ];
    assert_eq!(violated, expected);

    let change = pb::UpdateTechnicianRequest {
        technician: Some(pb::Technician {
            time_zone: "Mars/Base".into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["time_zone".into(), "code".into()],
        }),
        request_id: String::new(),
    };
    let violated = fields(&client.update_technician(change).await.unwrap_err());
    assert_eq!(
        violated,
        ["technician.name", "technician.time_zone", "update_mask"]
    );
    let empty = client
        .update_technician(pb::UpdateTechnicianRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&empty), ["technician"]);
}
