//! Those who have connected and not logged in: counted, by address and in all, and shown the door in time.
//! It knows no protocol. The surprise: a full house turns nobody away for long. A newcomer takes the place of the one who has had the longest
//! turn, of its own address first; so whoever opens a thousand connections loses its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::limits::Limits;

/// Who counts as one: an IPv4 address, or an IPv6 network of 64 bits, since one host has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    pub fn of(address: IpAddr) -> Source {
        match address {
            IpAddr::V4(_) => Source(address),
            IpAddr::V6(six) => match six.to_ipv4_mapped() {
                Some(four) => Source(IpAddr::V4(four)),
                None => {
                    let [a, b, c, d, ..] = six.segments();
                    Source(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
                }
            },
        }
    }

    /// Of those who did not come by the network.
    pub fn here() -> Source {
        Source(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Strangers(Arc<Mutex<House>>);

struct House {
    limits: Limits,
    next: u64,
    /// By number, so the oldest comes first.
    seats: BTreeMap<u64, Sitting>,
    of: HashMap<Source, BTreeSet<u64>>,
    turned_away: u64,
    told: Option<Instant>,
}

struct Sitting {
    source: Source,
    since: Instant,
    leave: watch::Sender<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    /// No stranger any more: may stay.
    Known,
    Leave,
}

/// One connection's place. Dropping the last clone gives it back.
#[derive(Clone)]
pub struct Seat(Arc<Place>);

struct Place {
    strangers: Strangers,
    number: u64,
    source: Source,
    until: Instant,
    told: watch::Sender<Told>,
}

/// How often it is said at most that connections are turned away.
const SAID: Duration = Duration::from_secs(60);

impl Strangers {
    pub fn new(limits: Limits) -> Strangers {
        Strangers(Arc::new(Mutex::new(House {
            limits,
            next: 0,
            seats: BTreeMap::new(),
            of: HashMap::new(),
            turned_away: 0,
            told: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, House> {
        // What is under the lock is changed in single steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a newcomer; nothing when its address has no claim to one now.
    pub fn seat(&self, source: Source) -> Option<Seat> {
        let mut house = self.lock();
        let now = Instant::now();
        if !house.make_room(source, now) {
            house.turned_away(source, now);
            return None;
        }
        let number = house.next;
        house.next += 1;
        let told = watch::channel(Told::Nothing).0;
        house.seats.insert(number, Sitting { source, since: now, leave: told.clone() });
        house.of.entry(source).or_default().insert(number);
        let until = now + house.limits.login;
        drop(house);
        Some(Seat(Arc::new(Place { strangers: self.clone(), number, source, until, told })))
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.lock().seats.len()
    }
}

impl House {
    fn make_room(&mut self, source: Source, now: Instant) -> bool {
        let own = self.of.get(&source).map_or(0, BTreeSet::len);
        if own >= self.limits.strangers_of_address {
            return self.displace(source, now, self.limits.fair_turn);
        }
        if self.seats.len() < self.limits.strangers {
            return true;
        }
        let fullest = self.of.iter().max_by_key(|(_, seats)| seats.len()).map(|(source, seats)| (*source, seats.len()));
        match fullest {
            // Whoever has more than the newcomer would have has more than its share.
            Some((fullest, count)) if count > own + 1 => self.displace(fullest, now, Duration::ZERO),
            Some((fullest, _)) => self.displace(fullest, now, self.limits.fair_turn),
            None => false,
        }
    }

    /// The oldest of a source goes, if it has had its turn.
    fn displace(&mut self, source: Source, now: Instant, turn: Duration) -> bool {
        let Some(oldest) = self.of.get(&source).and_then(BTreeSet::first).copied() else { return false };
        let had = self.seats.get(&oldest).map(|sitting| now.duration_since(sitting.since));
        if had.is_none_or(|had| had < turn) {
            return false;
        }
        if let Some(sitting) = self.remove(oldest) {
            sitting.leave.send_replace(Told::Leave);
        }
        self.turned_away(source, now);
        true
    }

    fn remove(&mut self, number: u64) -> Option<Sitting> {
        let sitting = self.seats.remove(&number)?;
        if let Some(seats) = self.of.get_mut(&sitting.source) {
            seats.remove(&number);
            if seats.is_empty() {
                self.of.remove(&sitting.source);
            }
        }
        Some(sitting)
    }

    fn turned_away(&mut self, source: Source, now: Instant) {
        self.turned_away += 1;
        if self.told.is_none_or(|told| now.duration_since(told) >= SAID) {
            let count = std::mem::take(&mut self.turned_away);
            tracing::warn!(address = %source.0, count, "connections without a login are turned away: too many");
            self.told = Some(now);
        }
    }
}

impl Seat {
    pub fn source(&self) -> Source {
        self.0.source
    }

    /// Somebody logged in, or proved to be a machine: the place is free for others, and the connection may stay.
    pub fn known(&self) {
        self.0.strangers.lock().remove(self.0.number);
        self.0.told.send_if_modified(|told| {
            let stranger = *told == Told::Nothing;
            if stranger {
                *told = Told::Known;
            }
            stranger
        });
    }

    pub fn is_known(&self) -> bool {
        *self.0.told.borrow() == Told::Known
    }

    /// Returns when the connection is to go: displaced, or not logged in in time. Never, once it is known.
    pub async fn to_leave(&self) {
        let mut told = self.0.told.subscribe();
        let known = async { told.wait_for(|told| *told != Told::Nothing).await.is_ok_and(|told| *told == Told::Known) };
        if let Ok(true) = tokio::time::timeout_at(self.0.until, known).await {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.strangers.lock().remove(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn from(last: u8) -> Source {
        Source::of(IpAddr::from([192, 0, 2, last]))
    }

    fn house() -> Strangers {
        Strangers::new(Limits { strangers: 6, strangers_of_address: 4, ..Limits::default() })
    }

    fn must_go(seat: &Seat) -> bool {
        seat.to_leave().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_takes_too_many_loses_its_own() {
        let house = house();
        let mut hostile: Vec<Seat> = (0..4).filter_map(|_| house.seat(from(1))).collect();
        assert_eq!(hostile.len(), 4);
        assert!(house.seat(from(1)).is_none(), "all of them are in their turn");
        let other = house.seat(from(2)).expect("another address has room");
        tokio::time::advance(Limits::default().fair_turn).await;
        hostile.push(house.seat(from(1)).expect("the oldest has had its turn"));
        let gone: Vec<bool> = hostile.iter().map(must_go).collect();
        assert_eq!(gone, [true, false, false, false, false]);
        assert!(!must_go(&other));
        assert_eq!(house.len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_house_takes_from_whoever_has_most() {
        let house = house();
        let hostile: Vec<Seat> = (0..4).filter_map(|_| house.seat(from(1))).collect();
        let others: Vec<Seat> = (2..6).filter_map(|last| house.seat(from(last))).collect();
        assert_eq!(others.len(), 4, "somebody of another address was turned away");
        let gone: Vec<bool> = hostile.iter().map(must_go).collect();
        assert_eq!(gone, [true, true, false, false]);
        assert_eq!(house.len(), 6);
        drop((hostile, others));
        assert_eq!(house.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_known_stay_and_strangers_go_in_time() {
        let house = house();
        let (known, stranger) = (house.seat(from(1)).expect("room"), house.seat(from(1)).expect("room"));
        known.known();
        assert_eq!(house.len(), 1);
        tokio::time::advance(Limits::default().login).await;
        assert!(must_go(&stranger) && !must_go(&known));
        assert!(known.is_known() && !stranger.is_known());
    }

    #[test]
    fn one_source_is_one_host() {
        let check = |a: &str, b: &str, same: bool| {
            let of = |text: &str| Source::of(text.parse().expect("an address"));
            assert_eq!(of(a) == of(b), same, "{a} {b}");
        };
        check("192.0.2.1", "192.0.2.2", false);
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("2001:db8::1", "2001:db8::ffff:1", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
    }
}
