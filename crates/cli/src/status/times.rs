//! Times as status prints them: local with a month's name, or ISO in UTC.

use base::clock::Time;
use jiff::ZonedDateTime as Zoned;
use jiff::tz::TimeZone;

use super::View;

impl View<'_> {
    pub(super) fn since(&self, time: Time) -> Option<String> {
        moment(time, &self.zone, self.iso)
    }

    /// The time of day of the controller's clock; ISO without a zone.
    pub(super) fn clock(&self, time: Time) -> Option<String> {
        if time == Time::default() {
            return None;
        }
        Some(if self.iso {
            time.timestamp().to_zoned_datetime(TimeZone::UTC).strftime("%H:%M:%S").to_string()
        } else {
            let at = self.local(time);
            format!("{}{}", at.strftime("%H:%M:%S"), offset(&at))
        })
    }

    fn local(&self, time: Time) -> Zoned {
        time.timestamp().to_zoned_datetime(self.zone.clone())
    }

    /// The day of a branch's making.
    pub(super) fn day(&self, time: Time) -> String {
        let zone = if self.iso { TimeZone::UTC } else { self.zone.clone() };
        time.timestamp().to_zoned_datetime(zone).strftime("%Y-%m-%d").to_string()
    }
}

/// `Z`, or `+02:00`.
fn offset(at: &Zoned) -> String {
    if at.offset().seconds() == 0 { "Z".to_owned() } else { at.strftime("%:z").to_string() }
}

/// A moment with its date; `None` for one that was never set.
pub fn moment(time: Time, zone: &TimeZone, iso: bool) -> Option<String> {
    if time == Time::default() {
        return None;
    }
    Some(if iso {
        let at = time.timestamp().to_zoned_datetime(TimeZone::UTC);
        at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
    } else {
        let at = time.timestamp().to_zoned_datetime(zone.clone());
        format!("{}{}", at.strftime("%d %b %Y %H:%M:%S"), offset(&at))
    })
}
