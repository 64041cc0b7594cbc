//! The wire contract: encoded bytes, numbers and names that must never change.
//!
//! Each expectation is written by hand from the wire format (`field << 3 | type`, then the value), so that a changed
//! field number or type fails here, independently of the generated code.

use std::collections::BTreeMap;
use std::fmt::Debug;

use awesomestock_proto::{casino, payment_statements, types};
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet, ServiceDescriptorProto};

fn user(id: &str) -> Option<types::User> {
    Some(types::User { id: id.to_owned() })
}

fn assert_bytes(message: &(impl Message + Debug), bytes: &[u8]) {
    assert_eq!(message.encode_to_vec(), bytes, "{message:?}");
}

#[test]
fn messages_of_both_servers_keep_their_bytes() {
    let payment = types::Payment {
        user: user("ann"),
        amount: -10,
        ..Default::default()
    };
    assert_bytes(&user("ann").unwrap(), b"\x0a\x03ann");
    assert_bytes(
        &payment,
        b"\x0a\x05\x0a\x03ann\x10\xf6\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    );
    assert_bytes(&types::PaymentStatement { data: "x".to_owned() }, b"\x0a\x01x");
}

#[test]
fn requests_to_the_casino_keep_their_bytes() {
    let withdrawal = casino::WithdrawRequest {
        user: user("ann"),
        tokens_cnt: 300,
        ..Default::default()
    };
    let sell = casino::ActionType::Sell as i32;
    let action = casino::Action {
        user: user("ann"),
        r#type: sell,
        stocks_count: 3,
        ..Default::default()
    };
    assert_bytes(&withdrawal, b"\x0a\x05\x0a\x03ann\x10\xac\x02");
    assert_bytes(&casino::Tokens { count: 50 }, b"\x08\x32");
    assert_bytes(&action, b"\x0a\x05\x0a\x03ann\x10\x01\x18\x03");
}

#[test]
fn added_fields_of_requests_keep_their_numbers() {
    let id = b"0123456789abcdef".to_vec();
    let action = casino::Action {
        id: id.clone(),
        ..Default::default()
    };
    let up_to = casino::Action {
        up_to: true,
        ..Default::default()
    };
    let resting = casino::Action {
        time_in_force: casino::TimeInForce::UntilCancelled.into(),
        stop_price: 95,
        ..Default::default()
    };
    let withdrawal = casino::WithdrawRequest {
        id: id.clone(),
        ..Default::default()
    };
    let payment = types::Payment {
        id,
        ..Default::default()
    };
    let round = Some(3);
    let action_in_round = casino::Action {
        round,
        ..Default::default()
    };
    let withdrawal_in_round = casino::WithdrawRequest {
        round,
        ..Default::default()
    };
    let payment_of_own_account = types::Payment {
        round: Some(0),
        ..Default::default()
    };
    assert_bytes(&action_in_round, b"\x48\x03");
    assert_bytes(&withdrawal_in_round, b"\x20\x03");
    assert_bytes(&payment_of_own_account, b"\x30\x00");
    let wallet_of_own_account = casino::Wallet {
        round: Some(0),
        ..Default::default()
    };
    assert_bytes(&wallet_of_own_account, b"\x40\x00");
    assert_bytes(&action, b"\x2a\x100123456789abcdef");
    assert_bytes(&up_to, b"\x30\x01");
    assert_bytes(&resting, b"\x38\x01\x40\x5f");
    assert_bytes(&withdrawal, b"\x1a\x100123456789abcdef");
    assert_bytes(&payment, b"\x2a\x100123456789abcdef");
}

#[test]
fn messages_of_a_session_keep_their_bytes() {
    let info = casino::StockInfo {
        name: "AwesomeStock".to_owned(),
        price: 10,
        ..Default::default()
    };
    let price = casino::GambleInfo {
        r#type: casino::GambleType::StockInfo as i32,
        info: Some(info),
        ..Default::default()
    };
    let result = casino::GambleInfo {
        r#type: casino::GambleType::ActionResult as i32,
        result: Some(casino::ActionResult {
            msg: "no".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let news = casino::GambleInfo {
        r#type: casino::GambleType::News as i32,
        news: Some(casino::Headline {
            text: "x".to_owned(),
            tick: 3,
        }),
        ..Default::default()
    };
    assert_bytes(&price, b"\x12\x10\x0a\x0cAwesomeStock\x10\x0a");
    assert_bytes(&result, b"\x08\x01\x1a\x04\x0a\x02no");
    assert_bytes(&news, b"\x08\x06\x42\x05\x0a\x01x\x10\x03");
}

#[test]
fn messages_of_resting_orders_keep_their_bytes() {
    let ended = casino::Order {
        id: vec![7],
        r#type: casino::ActionType::Sell.into(),
        stocks_count: 3,
        limit_price: 4,
        stop_price: 5,
        up_to: true,
        state: casino::OrderState::OrderFilled.into(),
        placed_unix_ms: 8,
        end_number: 9,
        ended_unix_ms: 10,
        trade: Some(casino::Trade::default()),
        msg: "no".to_owned(),
        cancelled_by_call: None,
    };
    let by_call = casino::Order {
        cancelled_by_call: Some(false),
        ..Default::default()
    };
    assert_bytes(&by_call, b"\x68\x00");
    let update = casino::GambleInfo {
        r#type: casino::GambleType::Order as i32,
        order: Some(casino::OrderUpdate {
            order: Some(ended.clone()),
            wallet: Some(casino::Wallet::default()),
        }),
        ..Default::default()
    };
    let accepted = casino::ActionResult {
        outcome: casino::ActionOutcome::OutcomeAccepted.into(),
        order: Some(casino::Order::default()),
        ..Default::default()
    };
    let round = casino::GambleInfo {
        r#type: casino::GambleType::Round as i32,
        round: Some(casino::Round {
            number: 1,
            state: casino::RoundState::RoundPaused.into(),
            left_ms: 3,
            announcement: "hi".to_owned(),
            stake: 5,
            podium: vec![casino::RoundResult {
                place: 1,
                player: Some(casino::Player::default()),
                profit: 3,
                trades: 4,
            }],
            warning: "!".to_owned(),
        }),
        ..Default::default()
    };
    assert_bytes(
        &round,
        b"\x08\x08\x52\x19\x08\x01\x10\x02\x18\x03\x22\x02hi\x28\x05\x32\x08\x08\x01\x12\x00\x18\x03\x20\x04\x3a\x01!",
    );
    assert_bytes(&ended, b"\x0a\x01\x07\x10\x01\x18\x03\x20\x04\x28\x05\x30\x01\x38\x02\x40\x08\x48\x09\x50\x0a\x5a\x00\x62\x02no");
    assert_bytes(&update, b"\x08\x07\x4a\x1f\x0a\x1b\x0a\x01\x07\x10\x01\x18\x03\x20\x04\x28\x05\x30\x01\x38\x02\x40\x08\x48\x09\x50\x0a\x5a\x00\x62\x02no\x12\x00");
    assert_bytes(&accepted, b"\x10\x03\x2a\x00");
}

#[test]
fn old_enumerators_keep_their_numbers() {
    assert_eq!(casino::ActionType::Buy as i32, 0);
    assert_eq!(casino::ActionType::Sell as i32, 1);
    assert_eq!(casino::GambleType::StockInfo as i32, 0);
    assert_eq!(casino::GambleType::ActionResult as i32, 1);
}

#[test]
fn an_old_reader_skips_added_fields() {
    /// `types.Payment` of the first contract.
    #[derive(Clone, PartialEq, prost::Message)]
    struct OldPayment {
        #[prost(message, optional, tag = "1")]
        user: Option<types::User>,
        #[prost(int32, tag = "2")]
        amount: i32,
    }
    let new = types::Payment {
        user: user("ann"),
        amount: 7,
        number: 3,
        created_unix_ms: 1_700_000_000_000,
        id: vec![7; 16],
        round: Some(3),
    };
    let old = OldPayment::decode(new.encode_to_vec().as_slice()).unwrap();
    assert_eq!(
        old,
        OldPayment {
            user: user("ann"),
            amount: 7
        }
    );
}

/// Returns the contract's files.
fn files() -> BTreeMap<String, FileDescriptorProto> {
    [
        casino::FILE_DESCRIPTOR_SET,
        payment_statements::FILE_DESCRIPTOR_SET,
    ]
    .into_iter()
    .flat_map(|set| FileDescriptorSet::decode(set).unwrap().file)
    .map(|file| (file.name().to_owned(), file))
    .collect()
}

#[test]
fn each_server_describes_its_own_service() {
    for (set, served) in [
        (casino::FILE_DESCRIPTOR_SET, "Casino"),
        (payment_statements::FILE_DESCRIPTOR_SET, "PaymentStatements"),
    ] {
        let set = FileDescriptorSet::decode(set).unwrap();
        let services: Vec<&str> = set
            .file
            .iter()
            .flat_map(|file| &file.service)
            .map(ServiceDescriptorProto::name)
            .collect();
        assert_eq!(services, [served]);
    }
}

#[test]
fn packages_services_and_methods_keep_their_names() {
    let mut methods = BTreeMap::new();
    for file in files().values() {
        for service in &file.service {
            for method in &service.method {
                methods.insert(
                    format!("/{}.{}/{}", file.package(), service.name(), method.name()),
                    format!(
                        "{}{} -> {}{}",
                        if method.client_streaming() { "stream " } else { "" },
                        method.input_type(),
                        if method.server_streaming() { "stream " } else { "" },
                        method.output_type()
                    ),
                );
            }
        }
    }
    for (path, signature) in [
        ("/casino.Casino/BuyTokens", ".types.Payment -> .casino.Tokens"),
        (
            "/casino.Casino/Withdraw",
            ".casino.WithdrawRequest -> .types.Payment",
        ),
        ("/casino.Casino/GetTokenBalance", ".types.User -> .casino.Tokens"),
        (
            "/casino.Casino/GetPayments",
            ".types.User -> stream .types.Payment",
        ),
        (
            "/casino.Casino/GetPaymentStatement",
            ".types.User -> .types.PaymentStatement",
        ),
        (
            "/casino.Casino/Gamble",
            "stream .casino.Action -> stream .casino.GambleInfo",
        ),
        (
            "/payment_statements.PaymentStatements/CreateStatement",
            "stream .types.Payment -> .types.PaymentStatement",
        ),
    ] {
        assert_eq!(methods.get(path).map(String::as_str), Some(signature), "{path}");
    }
}

#[test]
fn every_message_field_and_method_is_commented() {
    for file in files()
        .values()
        .filter(|file| !file.name().starts_with("google/"))
    {
        let info = file.source_code_info.as_ref().expect("no source info");
        let commented: Vec<&[i32]> = info
            .location
            .iter()
            .filter(|location| location.leading_comments.is_some())
            .map(|location| location.path.as_slice())
            .collect();
        let mut paths: Vec<(String, Vec<i32>)> = Vec::new();
        for (i, message) in (0..).zip(&file.message_type) {
            paths.push((message.name().to_owned(), vec![4, i]));
            for (j, field) in (0..).zip(&message.field) {
                paths.push((format!("{}.{}", message.name(), field.name()), vec![4, i, 2, j]));
            }
        }
        for (i, service) in (0..).zip(&file.service) {
            for (j, method) in (0..).zip(&service.method) {
                paths.push((method.name().to_owned(), vec![6, i, 2, j]));
            }
        }
        for (name, path) in paths {
            assert!(
                commented.contains(&path.as_slice()),
                "{} has no comment for {name}",
                file.name()
            );
        }
    }
}
