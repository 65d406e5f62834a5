//! GitHub's cache service, version 2, as the crate `runnerd-core` serves it to runners on this machine: one job of one
//! repository that may write. Usage: `cache-service <folder>`; it prints the path of its socket and ends with its standard
//! input.

use std::io;
use std::path::PathBuf;

use runnerd_core::buildcache::{ActionsCache, BuildCache, SOCKET, Scopes, Writes};
use tokio::io::AsyncReadExt;

/// An archive may take a quarter of this many bytes.
const MAX_SIZE: u64 = 16 << 30;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("usage: cache-service <folder>"));
    let cache = BuildCache::open(&folder.join("cache"), &folder.join("sockets"), MAX_SIZE)?;
    let socket = cache.attach("test", "org/rdna1-miopen", ActionsCache::Served)?.join(SOCKET);
    let main = Some("refs/heads/main".to_owned());
    cache.decide("test", Writes::Allowed, Scopes { own: main.clone(), base: None, default: main });
    println!("{}", socket.display());
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}
