//! What holds for every caller and every resource.

use proptest::prelude::*;

use super::*;

fn authority() -> Arc<Authority> {
    Authority::compiled().unwrap_or_else(|unsound| panic!("{unsound}"))
}

/// A value out of few, so that own and foreign both happen; or none.
fn some() -> impl Strategy<Value = Option<String>> {
    prop::sample::select(vec![None, Some("a"), Some("b"), Some("c")])
        .prop_map(|value| value.map(str::to_owned))
}

fn tenant() -> impl Strategy<Value = TenantId> {
    prop::sample::select(vec!["a", "b"]).prop_map(|name| TenantId::parse(name).unwrap())
}

prop_compose! {
    fn scope()(region in some(), customer in some(), partner in some(), technician in some())
        -> Scope {
        Scope { region, customer, partner, technician }
    }
}

/// Roles as tokens carry them: one kind of caller, several roles of the house, or nonsense.
fn roles() -> impl Strategy<Value = Vec<String>> {
    let authority = authority();
    let known = &authority.callers.roles;
    let mut all: Vec<String> = known.keys().cloned().collect();
    all.sort();
    let combining = |role: &&String| known[*role].parent.is_some();
    let house: Vec<String> = all.iter().filter(combining).cloned().collect();
    let up_to = house.len();
    let mut any = all.clone();
    any.push("unheard_of".to_owned());
    prop_oneof![
        6 => prop::sample::select(all).prop_map(|role| vec![role]),
        3 => prop::sample::subsequence(house, 1..=up_to),
        1 => prop::sample::subsequence(any, 0..=3),
    ]
}

prop_compose! {
    fn caller()(
        tenant in tenant(),
        principal in prop::sample::select(vec!["a", "b", "c", "services/ticket"]),
        region in some(),
        roles in roles(),
        customer in some(),
        partner in some(),
    ) -> Caller {
        Caller { tenant, principal: principal.to_owned(), region, roles, customer, partner }
    }
}

fn rpcs(which: impl Fn(&Call) -> bool) -> impl Strategy<Value = Rpc> {
    let authority = authority();
    let calls = (0..).map(Rpc).zip(&authority.calls);
    let which: Vec<Rpc> = calls
        .filter(|(_, c)| which(c))
        .map(|(rpc, _)| rpc)
        .collect();
    prop::sample::select(which)
}

fn method(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// By its name; the group in the schema is held against it.
fn changes_nothing(path: &str) -> bool {
    let reading = ["Get", "List", "Find", "Check", "Explain", "Export"];
    reading.iter().any(|verb| method(path).starts_with(verb))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_list_shows_exactly_the_rows_that_may_be_read(
        caller in caller(), rpc in rpcs(|call| method(&call.path).starts_with("List")), row in scope()
    ) {
        let authority = authority();
        let shown = authority.sight(&caller, rpc).is_some_and(|sight| sight.shows(&row));
        prop_assert_eq!(shown, authority.permits(&caller, rpc, &row));
    }

    #[test]
    fn a_sight_names_only_columns_the_collection_has(caller in caller(), rpc in rpcs(|_| true)) {
        let authority = authority();
        let has = authority.call(rpc).dimensions;
        if let Some(sight) = authority.sight(&caller, rpc) {
            for (dimension, value) in [
                (Dimension::Region, sight.region),
                (Dimension::Customer, sight.customer),
                (Dimension::Partner, sight.partner),
                (Dimension::Technician, sight.technician),
            ] {
                prop_assert!(value.is_none() || has.has(dimension));
            }
        }
    }

    #[test]
    fn nothing_is_permitted_that_the_gate_refuses(
        caller in caller(), rpc in rpcs(|_| true), scope in scope()
    ) {
        let authority = authority();
        if authority.permits(&caller, rpc, &scope) {
            prop_assert!(authority.may_call(&caller, rpc));
        }
    }

    #[test]
    fn nobody_passes_into_another_tenant(
        caller in caller(), rpc in rpcs(|_| true), tenant in tenant(), scope in scope()
    ) {
        if tenant != caller.tenant {
            prop_assert!(!authority().permits_in(&caller, rpc, &tenant, &scope));
        }
    }

    #[test]
    fn a_caller_bound_to_a_region_stays_in_it(
        caller in caller(), rpc in rpcs(|call| call.dimensions.has(Dimension::Region)),
        scope in scope()
    ) {
        if caller.region.is_some() && scope.region != caller.region {
            prop_assert!(!authority().permits(&caller, rpc, &scope));
        }
    }

    #[test]
    fn an_auditor_changes_nothing(
        caller in caller(), rpc in rpcs(|call| !changes_nothing(&call.path)), scope in scope()
    ) {
        let caller = Caller { roles: vec!["auditor".to_owned()], ..caller };
        prop_assert!(!authority().permits(&caller, rpc, &scope));
        prop_assert!(!authority().may_call(&caller, rpc));
    }

    #[test]
    fn without_a_role_nothing_is_permitted(
        caller in caller(), rpc in rpcs(|_| true), scope in scope()
    ) {
        let caller = Caller { roles: Vec::new(), ..caller };
        prop_assert!(!authority().permits(&caller, rpc, &scope));
        prop_assert!(!authority().may_call(&caller, rpc));
        prop_assert_eq!(authority().sight(&caller, rpc), None);
    }

    #[test]
    fn asking_only_the_policies_of_an_action_changes_no_answer(
        caller in caller(), rpc in rpcs(|_| true), tenant in tenant(), scope in scope()
    ) {
        let authority = authority();
        let Some(kind) = authority.callers.kind(&caller) else { return Ok(()) };
        let call = authority.call(rpc);
        let all = Call {
            path: call.path.clone(),
            action: call.action.clone(),
            resource: call.resource.clone(),
            policies: everything().clone(),
            ..*call
        };
        prop_assert_eq!(
            authority.ask(kind, &caller, call, &tenant, &scope),
            authority.ask(kind, &caller, &all, &tenant, &scope)
        );
    }

    #[test]
    fn what_is_remembered_is_what_cedar_says_of_the_row_itself(
        caller in caller(), rpc in rpcs(|_| true), tenant in tenant(), scope in scope()
    ) {
        let authority = authority();
        let Some(kind) = authority.callers.kind(&caller) else { return Ok(()) };
        let said = authority.ask(kind, &caller, authority.call(rpc), &tenant, &scope);
        for _ in 0..2 {
            prop_assert_eq!(
                authority.permits_in(&caller, rpc, &tenant, &scope),
                said == Some(Decision::Allow)
            );
        }
    }
}

#[test]
fn a_policy_that_compares_with_a_text_of_its_own_is_refused() {
    let mut policies = law::POLICIES;
    policies[1].1 = "@id(\"x\") permit (principal in Role::\"agent\", action, resource)
        when { resource has customer && resource.customer == \"parties/1\" };";

    let Err(Unsound(wrong)) = Authority::of(law::SCHEMA, &policies, proto::DESCRIPTORS) else {
        panic!("accepted");
    };

    let why = "x compares with a text of its own";
    assert!(wrong.iter().any(|line| line.contains(why)), "{wrong:?}");
}

/// The policies unsliced.
fn everything() -> &'static PolicySet {
    static ALL: OnceLock<PolicySet> = OnceLock::new();
    ALL.get_or_init(|| {
        let texts: Vec<&str> = law::POLICIES.iter().map(|(_, text)| *text).collect();
        texts.concat().parse().unwrap()
    })
}

#[test]
fn what_only_reads_is_in_the_group_of_reading() {
    let authority = authority();
    for call in authority.calls.iter().filter(|call| !call.public) {
        assert_eq!(call.reads, changes_nothing(&call.path), "{}", call.path);
    }
}

#[test]
fn only_answering_a_survey_is_public() {
    let authority = authority();
    let public = authority.calls.iter().filter(|call| call.public);
    let public: Vec<&str> = public.map(|call| method(&call.path)).collect();
    assert_eq!(public, ["GetSurvey", "SubmitSurvey"]);
}

#[test]
fn two_kinds_in_one_token_are_none() {
    let authority = authority();
    let rpc = authority
        .rpc("/fettle.ticket.v1.TicketService/GetTicket")
        .unwrap();
    let caller = |roles: &[&str]| Caller {
        tenant: TenantId::parse("a").unwrap(),
        principal: "users/7".into(),
        region: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        customer: Some("parties/1".into()),
        partner: None,
    };

    assert!(authority.may_call(&caller(&["customer"]), rpc));
    assert!(authority.may_call(&caller(&["agent", "auditor"]), rpc));
    assert!(authority.may_call(&caller(&["agent", "unheard_of"]), rpc));
    assert!(!authority.may_call(&caller(&["agent", "customer"]), rpc));
    let nobody = Caller {
        customer: None,
        ..caller(&["customer"])
    };
    assert!(!authority.may_call(&nobody, rpc));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let schema = law::SCHEMA.replace("TicketService.CreateTicket", "TicketService.MakeTicket");
    let mut policies = law::POLICIES;
    policies[1].1 = "@id(\"x\") permit (principal in Role::\"agnet\", action, resource);";

    let Err(Unsound(wrong)) = Authority::of(&schema, &policies, proto::DESCRIPTORS) else {
        panic!("accepted");
    };

    let says = |what: &str| wrong.iter().any(|line| line.contains(what));
    assert!(
        says("no action for fettle.ticket.v1.TicketService/CreateTicket"),
        "{wrong:?}"
    );
    assert!(says("TicketService.MakeTicket is no RPC"), "{wrong:?}");
    assert!(says("agnet"), "{wrong:?}");
}

#[test]
fn a_policy_that_no_list_can_follow_is_refused() {
    let mut policies = law::POLICIES;
    policies[2].1 = "@id(\"x\") permit (principal is Caller::Customer, action in Action::\"Read\",
        resource) when { (resource has customer && resource.customer == principal.customer) ||
        !(resource has technician) };";

    let Err(Unsound(wrong)) = Authority::of(law::SCHEMA, &policies, proto::DESCRIPTORS) else {
        panic!("accepted");
    };

    let why = "TicketService/ListTickets for customer: what is seen does not follow";
    assert!(wrong.iter().any(|line| line.contains(why)), "{wrong:?}");
}
