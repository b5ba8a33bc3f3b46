//! A TCP proxy that stands between two parties and lets the network fail on command.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::must;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// Bytes are taken and kept.
    Held,
    /// Connections are closed, old and new.
    Cut,
}

#[derive(Debug, Clone, Copy)]
struct Weather {
    line: Line,
    delay: Duration,
}

/// A proxy in front of one address. It ends, with its connections, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    weather: watch::Sender<Weather>,
}

/// Starts a proxy that passes everything on to `target` until told otherwise.
pub async fn delaying_proxy(target: SocketAddr) -> Proxy {
    let listener = must("listen", TcpListener::bind(("127.0.0.1", 0)).await);
    let addr = must("listen", listener.local_addr());
    let (weather, forecast) = watch::channel(Weather {
        line: Line::Open,
        delay: Duration::ZERO,
    });
    tokio::spawn(accept(listener, target, forecast));
    Proxy { addr, weather }
}

impl Proxy {
    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Keeps everything that is sent from now on, either way, until [`Self::release`]: a black hole. Connections stay
    /// open, and new ones are accepted.
    pub fn hold(&self) {
        self.set(|weather| weather.line = Line::Held);
    }

    /// Passes on what was kept, in order, and everything after it.
    pub fn release(&self) {
        self.set(|weather| weather.line = Line::Open);
    }

    /// Closes all connections, and new ones at once, until [`Self::heal`]. What was kept is lost.
    pub fn cut(&self) {
        self.set(|weather| weather.line = Line::Cut);
    }

    /// Accepts connections again after [`Self::cut`].
    pub fn heal(&self) {
        self.release();
    }

    /// Adds this to the way of each piece of data, in both directions; zero ends it.
    pub fn delay(&self, delay: Duration) {
        self.set(|weather| weather.delay = delay);
    }

    fn set(&self, change: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(change);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, mut forecast: watch::Receiver<Weather>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                if forecast.borrow().line != Line::Cut {
                    tokio::spawn(connect(client, target, forecast.clone()));
                }
            }
            gone = ended(&mut forecast) => return gone,
        }
    }
}

/// Waits until the proxy is dropped.
async fn ended(forecast: &mut watch::Receiver<Weather>) {
    while forecast.changed().await.is_ok() {}
}

async fn connect(client: TcpStream, target: SocketAddr, mut forecast: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let there = carry(client_read, server_write, forecast.clone());
    let back = carry(server_read, client_write, forecast.clone());
    tokio::select! {
        _ = async { tokio::join!(there, back) } => {}
        // An error means that the proxy itself is gone, which closes its connections too.
        _ = forecast.wait_for(|weather| weather.line == Line::Cut) => {}
    }
}

/// Passes one direction on until it ends.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut forecast: watch::Receiver<Weather>,
) -> Option<()> {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut piece).await.ok()?;
        let delay = forecast.borrow().delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let open = forecast.wait_for(|weather| weather.line == Line::Open);
        open.await.ok()?;
        if length == 0 {
            return to.shutdown().await.ok();
        }
        to.write_all(&piece[..length]).await.ok()?;
    }
}
