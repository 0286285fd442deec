//! The client's terminal settings on our terminal (RFC 4254 section 8).
//! It must not know what runs there. The surprise: of some 60 settings only those are taken that a person notices.

use std::os::fd::AsFd;

use russh::Pty;
use rustix::termios::{InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, tcgetattr, tcsetattr};

/// What cannot be set is left as it is.
pub fn apply(terminal: impl AsFd, modes: &[(Pty, u32)]) {
    let Ok(mut state) = tcgetattr(&terminal) else { return };
    for (mode, value) in modes {
        let on = *value != 0;
        if let Some(index) = character(*mode) {
            if let Ok(code) = u8::try_from(*value) {
                // 255: the client has none.
                state.special_codes[index] = if code == 255 { 0 } else { code };
            }
            continue;
        }
        match mode {
            Pty::ICRNL => state.input_modes.set(InputModes::ICRNL, on),
            Pty::INLCR => state.input_modes.set(InputModes::INLCR, on),
            Pty::IXON => state.input_modes.set(InputModes::IXON, on),
            Pty::IXANY => state.input_modes.set(InputModes::IXANY, on),
            Pty::IXOFF => state.input_modes.set(InputModes::IXOFF, on),
            Pty::IUTF8 => state.input_modes.set(InputModes::IUTF8, on),
            Pty::ISIG => state.local_modes.set(LocalModes::ISIG, on),
            Pty::ICANON => state.local_modes.set(LocalModes::ICANON, on),
            Pty::ECHO => state.local_modes.set(LocalModes::ECHO, on),
            Pty::ECHOE => state.local_modes.set(LocalModes::ECHOE, on),
            Pty::ECHOK => state.local_modes.set(LocalModes::ECHOK, on),
            Pty::ECHOCTL => state.local_modes.set(LocalModes::ECHOCTL, on),
            Pty::ECHOKE => state.local_modes.set(LocalModes::ECHOKE, on),
            Pty::IEXTEN => state.local_modes.set(LocalModes::IEXTEN, on),
            Pty::OPOST => state.output_modes.set(OutputModes::OPOST, on),
            Pty::ONLCR => state.output_modes.set(OutputModes::ONLCR, on),
            _ => {}
        }
    }
    let _ = tcsetattr(&terminal, OptionalActions::Now, &state);
}

fn character(mode: Pty) -> Option<SpecialCodeIndex> {
    Some(match mode {
        Pty::VINTR => SpecialCodeIndex::VINTR,
        Pty::VQUIT => SpecialCodeIndex::VQUIT,
        Pty::VERASE => SpecialCodeIndex::VERASE,
        Pty::VKILL => SpecialCodeIndex::VKILL,
        Pty::VEOF => SpecialCodeIndex::VEOF,
        Pty::VEOL => SpecialCodeIndex::VEOL,
        Pty::VSTART => SpecialCodeIndex::VSTART,
        Pty::VSTOP => SpecialCodeIndex::VSTOP,
        Pty::VSUSP => SpecialCodeIndex::VSUSP,
        Pty::VREPRINT => SpecialCodeIndex::VREPRINT,
        Pty::VWERASE => SpecialCodeIndex::VWERASE,
        Pty::VLNEXT => SpecialCodeIndex::VLNEXT,
        _ => return None,
    })
}
