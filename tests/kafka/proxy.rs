//! A network between the program and the broker that can be cut, stalled and slowed.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the network does with what passes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Passes it on.
    Whole,
    /// Ends every connection, and takes none.
    Cut,
    /// Takes connections and passes nothing on, as a broken link between two switches does.
    Stalled,
}

/// The proxy; lives as long as the tests run.
pub struct Proxy {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// A [`Network`] as number.
    network: AtomicUsize,
    /// Milliseconds by which each piece is late.
    late_ms: AtomicU64,
    sockets: Mutex<Vec<TcpStream>>,
}

impl State {
    fn network(&self) -> Network {
        match self.network.load(Ordering::Acquire) {
            0 => Network::Whole,
            1 => Network::Cut,
            _ => Network::Stalled,
        }
    }

    /// Passes one direction on until either side ends.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = [0; 64 * 1_024];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            std::thread::sleep(Duration::from_millis(self.late_ms.load(Ordering::Acquire)));
            while self.network() == Network::Stalled {
                std::thread::sleep(Duration::from_millis(10));
            }
            if self.network() == Network::Cut || to.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}

impl Proxy {
    /// Listens on `port` and passes on to `to`.
    pub fn start(port: u16, to: String) -> Self {
        let state = Arc::new(State::default());
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is still free");
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if shared.network() == Network::Cut {
                    continue;
                }
                // A broker that is away ends the connection.
                let Ok(far) = TcpStream::connect(&to) else { continue };
                let both = |socket: &TcpStream| socket.try_clone().expect("a socket");
                let mut sockets = shared.sockets.lock().unwrap_or_else(PoisonError::into_inner);
                sockets.extend([both(&near), both(&far)]);
                for (from, to) in [(both(&near), both(&far)), (far, near)] {
                    let state = Arc::clone(&shared);
                    std::thread::spawn(move || state.pass(from, to));
                }
            }
        });
        Self { state }
    }

    /// Changes the network.
    pub fn set(&self, network: Network) {
        self.state.network.store(network as usize, Ordering::Release);
        if network == Network::Cut {
            let mut sockets = self.state.sockets.lock().unwrap_or_else(PoisonError::into_inner);
            for socket in sockets.drain(..) {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// Makes everything late by so much.
    pub fn slow(&self, late: Duration) {
        self.state.late_ms.store(late.as_millis() as u64, Ordering::Release);
    }
}
