//! Amounts of money: exact decimals, one rounding rule.
//!
//! Rounding is half-even to the currency's minor unit, the rule of IEEE 754 and of most
//! accounting standards: it does not drift over many sums. Minor units are those of ISO 4217
//! (amendment 177); funds and metals, which have none, are not in the table.

use std::fmt;

use proto::kinds::v1 as pb;
use rust_decimal::{Decimal, RoundingStrategy};

/// A currency of ISO 4217 with its minor unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    code: [u8; 3],
    minor_digits: u32,
}

/// Currencies with two minor digits.
const TWO_DIGITS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD \
    BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP \
    LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";
/// Currencies without a minor unit.
const NO_DIGITS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF";
/// Currencies with three minor digits.
const THREE_DIGITS: &str = "BHD IQD JOD KWD LYD OMR TND";

impl Currency {
    /// The currency of a three-letter code in capitals; `None` when it is not in the table.
    pub fn of(code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        let tables = [(TWO_DIGITS, 2), (NO_DIGITS, 0), (THREE_DIGITS, 3)];
        let holds = |table: &str| table.split_ascii_whitespace().any(|known| known == code);
        let (_, minor_digits) = tables.into_iter().find(|(table, _)| holds(table))?;
        Some(Currency {
            code: bytes,
            minor_digits,
        })
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        // The bytes came from a `&str` of the table.
        std::str::from_utf8(&self.code).unwrap_or("")
    }

    /// Digits of the minor unit: 2 for CNY, 0 for JPY, 3 for KWD.
    pub fn minor_digits(&self) -> u32 {
        self.minor_digits
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in one currency. Amounts may be finer than the minor unit (a price per minute)
/// until they are [rounded](Money::rounded).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount, in whole units of the currency.
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

/// Why something is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyRefused {
    /// The code is not in the table of ISO 4217.
    #[error("not a currency of ISO 4217")]
    UnknownCurrency,
    /// `units` and `nanos` have different signs.
    #[error("units and nanos have different signs")]
    MixedSigns,
    /// `nanos` is a whole unit or more.
    #[error("nanos is not within -999,999,999 to 999,999,999")]
    NanosOutOfRange,
    /// 99,999,999,999 units or more, on either side of zero: more than the tables keep.
    #[error("the amount is too large")]
    TooLarge,
    /// Two amounts of different currencies were added.
    #[error("the currencies differ")]
    CurrenciesDiffer,
}

const NANOS_PER_UNIT: i64 = 1_000_000_000;

/// Tables keep eleven digits before the point (`numeric(20, 9)`); one unit less, so that rounding
/// up stays within.
const TOO_LARGE: Decimal = Decimal::from_parts(1_215_752_191, 23, 0, false, 0);

impl Money {
    /// An amount of a currency.
    pub fn new(amount: Decimal, currency: Currency) -> Money {
        Money { amount, currency }
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Money {
        Money::new(Decimal::ZERO, currency)
    }

    /// The amount rounded half-even to the currency's minor unit.
    #[must_use]
    pub fn rounded(self) -> Money {
        let digits = self.currency.minor_digits;
        let strategy = RoundingStrategy::MidpointNearestEven;
        let amount = self.amount.round_dp_with_strategy(digits, strategy);
        Money { amount, ..self }
    }

    /// The sum of two amounts of one currency.
    pub fn plus(self, other: Money) -> Result<Money, MoneyRefused> {
        if self.currency != other.currency {
            return Err(MoneyRefused::CurrenciesDiffer);
        }
        self.becomes(self.amount.checked_add(other.amount))
    }

    /// The amount times a factor (a quantity, a share), not rounded.
    pub fn times(self, factor: Decimal) -> Result<Money, MoneyRefused> {
        self.becomes(self.amount.checked_mul(factor))
    }

    /// The same currency's other amount, where it can be kept.
    fn becomes(self, amount: Option<Decimal>) -> Result<Money, MoneyRefused> {
        let fits = amount.filter(|amount| amount.abs() < TOO_LARGE);
        let amount = fits.ok_or(MoneyRefused::TooLarge)?;
        Ok(Money { amount, ..self })
    }

    /// Reads the contract's shape; refuses unknown currencies, inconsistent fractions and what is
    /// too large to be kept.
    pub fn from_pb(money: &pb::Money) -> Result<Money, MoneyRefused> {
        let currency = Currency::of(&money.currency_code).ok_or(MoneyRefused::UnknownCurrency)?;
        if i64::from(money.nanos).abs() >= NANOS_PER_UNIT {
            return Err(MoneyRefused::NanosOutOfRange);
        }
        if money.units.signum() * i64::from(money.nanos.signum()) < 0 {
            return Err(MoneyRefused::MixedSigns);
        }
        let fraction = Decimal::new(i64::from(money.nanos), 9);
        let amount = (Decimal::from(money.units) + fraction).normalize();
        Money::zero(currency).becomes(Some(amount))
    }

    /// Writes the contract's shape; what is finer than a billionth is rounded half-even. An
    /// amount past 64 bits of whole units, which no field accepts, is cut to the largest.
    pub fn to_pb(&self) -> pb::Money {
        let strategy = RoundingStrategy::MidpointNearestEven;
        let amount = self.amount.round_dp_with_strategy(9, strategy);
        let nanos = amount.fract() * Decimal::from(NANOS_PER_UNIT);
        let largest = if amount.is_sign_negative() {
            i64::MIN
        } else {
            i64::MAX
        };
        pb::Money {
            currency_code: self.currency.code().to_owned(),
            units: i64::try_from(amount.trunc()).unwrap_or(largest),
            nanos: i32::try_from(nanos).unwrap_or(0),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: &str, code: &str) -> Money {
        Money::new(amount.parse().unwrap(), Currency::of(code).unwrap())
    }

    #[test]
    fn a_tie_rounds_to_the_even_neighbour() {
        for (code, exact, rounded) in [
            ("CNY", "0.125", "0.12"),
            ("CNY", "0.135", "0.14"),
            ("CNY", "-0.125", "-0.12"),
            ("CNY", "0.1250001", "0.13"),
            ("JPY", "2.5", "2"),
            ("JPY", "3.5", "4"),
            ("KWD", "1.0005", "1.000"),
            ("KWD", "1.0015", "1.002"),
        ] {
            let expected = money(rounded, code);
            assert_eq!(money(exact, code).rounded(), expected, "{exact} {code}");
        }
    }

    #[test]
    fn amounts_survive_the_contract() {
        for amount in [
            "0",
            "12.34",
            "-12.34",
            "-0.000000001",
            "99999999998.999999999",
            "-99999999998.999999999",
        ] {
            let there = money(amount, "USD").to_pb();
            let back = Money::from_pb(&there).unwrap();
            assert_eq!(back.amount, amount.parse().unwrap(), "{amount}");
        }
        let pb = money("-1.5", "USD").to_pb();
        assert_eq!((pb.units, pb.nanos), (-1, -500_000_000));
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        let pb = |code: &str, units, nanos| pb::Money {
            currency_code: code.into(),
            units,
            nanos,
        };
        let refused = |money: pb::Money| Money::from_pb(&money).unwrap_err();
        assert_eq!(refused(pb("ZZZ", 1, 0)), MoneyRefused::UnknownCurrency);
        assert_eq!(refused(pb("usd", 1, 0)), MoneyRefused::UnknownCurrency);
        assert_eq!(refused(pb("", 1, 0)), MoneyRefused::UnknownCurrency);
        assert_eq!(refused(pb("USD", 1, -1)), MoneyRefused::MixedSigns);
        assert_eq!(refused(pb("USD", -1, 1)), MoneyRefused::MixedSigns);
        let nanos = refused(pb("USD", 0, 1_000_000_000));
        assert_eq!(nanos, MoneyRefused::NanosOutOfRange);
        assert_eq!(
            refused(pb("USD", 0, i32::MIN)),
            MoneyRefused::NanosOutOfRange
        );
    }

    #[test]
    fn amounts_that_the_tables_cannot_keep_are_refused() {
        let largest = money("99999999998.999999999", "USD");
        let more = [
            largest.plus(money("0.000000001", "USD")),
            largest.times(Decimal::TWO),
            largest.times(Decimal::MAX),
            money("-99999999998.999999999", "USD").plus(money("-0.000000001", "USD")),
            Money::from_pb(&money("99999999999", "USD").to_pb()),
            Money::from_pb(&money("-9223372036854775808", "USD").to_pb()),
        ];
        for refused in more {
            assert_eq!(refused, Err(MoneyRefused::TooLarge));
        }
        assert_eq!(TOO_LARGE, Decimal::from(99_999_999_999_i64));
        assert_eq!(largest.rounded().amount, TOO_LARGE);
    }

    #[test]
    fn amounts_of_two_currencies_do_not_add_up() {
        let sum = money("1", "USD").plus(money("1", "EUR"));
        assert_eq!(sum, Err(MoneyRefused::CurrenciesDiffer));
        let sum = money("1.10", "USD").plus(money("2.20", "USD")).unwrap();
        assert_eq!(sum, money("3.30", "USD"));
    }
}
