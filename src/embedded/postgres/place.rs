//! Where the cluster is, and which account runs it. Postgres refuses to run as root, so root hands it to another account,
//! which must be able to reach the directories: what lies below a closed home is kept under `/var/lib/vivavoce` instead.

use super::{Error, Paths};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Names the socket; nothing listens on a TCP port.
pub(super) const PORT: u16 = 5432;

/// Longest path of a unix socket, bytes, by the kernel's `sun_path`.
const SOCKET_PATH_MAX_BYTES: usize = 107;

/// Where root keeps what the server's account must reach.
pub(super) const REACHABLE: &str = "/var/lib/vivavoce";

/// In the state directory: where the cluster is instead.
const MARKER: &str = "cluster-is-in";

/// The account that runs the server when we are root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Where everything of the cluster is. Its directories exist and belong to the account.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) root: PathBuf,
    pub(super) sockets: PathBuf,
    /// Only when we are root.
    pub(super) account: Option<Account>,
}

impl Place {
    pub(super) fn prepare(paths: &Paths) -> Result<Self, Error> {
        let account = if is_root() { Some(account(&paths.postgres().join("data"))?) } else { None };
        let root = cluster_directory(paths, account)?;
        let sockets = socket_directory(&root, account)?;
        Ok(Self { root, sockets, account })
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Where a new cluster is made before it is moved to `data`.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.root.join("data.new")
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("cluster.lock")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.sockets.join(format!(".s.PGSQL.{PORT}"))
    }

    pub(super) fn socket_lock(&self) -> PathBuf {
        self.sockets.join(format!(".s.PGSQL.{PORT}.lock"))
    }

    /// The first number of the version that made the cluster, if there is one.
    pub(super) fn major(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }
}

pub(super) fn is_root() -> bool {
    // SAFETY: geteuid has no preconditions and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Whoever owns the cluster already, else `postgres`, else `nobody`.
fn account(data: &Path) -> Result<Account, Error> {
    if let Ok(metadata) = fs::metadata(data)
        && metadata.uid() != 0
    {
        return Ok(Account { uid: metadata.uid(), gid: metadata.gid() });
    }
    let accounts = fs::read_to_string("/etc/passwd").map_err(Error::io("read /etc/passwd"))?;
    ["postgres", "nobody"].into_iter().find_map(|name| find_account(&accounts, name)).ok_or(Error::NoAccount)
}

fn find_account(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        (uid != 0).then_some(Account { uid, gid })
    })
}

/// The state directory's `pg`, or what stands in for it where the account cannot reach that. Once chosen, it stays.
fn cluster_directory(paths: &Paths, account: Option<Account>) -> Result<PathBuf, Error> {
    let own = paths.postgres();
    fs::create_dir_all(&paths.data).map_err(Error::io(format!("make {}", paths.data.display())))?;
    let marker = paths.data.join(MARKER);
    if let Ok(elsewhere) = fs::read_to_string(&marker) {
        let elsewhere = PathBuf::from(elsewhere.trim());
        own_directory(&elsewhere, account)?;
        return Ok(elsewhere);
    }
    let Some(account) = account else {
        own_directory(&own, None)?;
        return canonical(&own);
    };
    let data = canonical(&paths.data)?;
    if reaches(account, &data) {
        own_directory(&own, Some(account))?;
        return canonical(&own);
    }
    let elsewhere = Path::new(REACHABLE).join(digest(&data)).join("pg");
    let unusable = || Error::Unreachable { path: own.clone(), instead: elsewhere.clone() };
    let parent = elsewhere.parent().expect("two names were joined above");
    DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(|_| unusable())?;
    if !reaches(account, parent) {
        return Err(unusable());
    }
    own_directory(&elsewhere, Some(account))?;
    fs::write(parent.join("state-directory-is"), data.as_os_str().as_bytes()).map_err(Error::io("note where the state is"))?;
    fs::write(&marker, elsewhere.as_os_str().as_bytes()).map_err(Error::io("note where the cluster is"))?;
    Ok(elsewhere)
}

/// The cluster's `run`, or a short one in the system's directory for temporary files.
fn socket_directory(root: &Path, account: Option<Account>) -> Result<PathBuf, Error> {
    let own = root.join("run");
    let longest = own.join(format!(".s.PGSQL.{PORT}")).as_os_str().len();
    let sockets = if longest <= SOCKET_PATH_MAX_BYTES { own } else { std::env::temp_dir().join(format!("vivavoce-{}", digest(root))) };
    own_directory(&sockets, account)?;
    Ok(sockets)
}

/// Makes a directory that only the server's account may enter. One that somebody else made is refused: in a directory
/// for temporary files anybody could have put it there.
fn own_directory(path: &Path, account: Option<Account>) -> Result<(), Error> {
    let doing = || Error::io(format!("make {}", path.display()));
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(doing()(error)),
    }
    let metadata = fs::symlink_metadata(path).map_err(doing())?;
    // SAFETY: geteuid has no preconditions and cannot fail.
    let us = unsafe { libc::geteuid() };
    let ours = metadata.uid() == us || account.is_some_and(|account| metadata.uid() == account.uid);
    if !metadata.is_dir() || !ours {
        return Err(Error::NotOurs { path: path.to_owned() });
    }
    if let Some(account) = account {
        chown(path, Some(account.uid), Some(account.gid)).map_err(doing())?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(doing())
}

/// Whether an account may enter a directory and everything above it.
pub(super) fn reaches(account: Account, directory: &Path) -> bool {
    directory.ancestors().all(|ancestor| {
        fs::metadata(ancestor).is_ok_and(|metadata| {
            let enter = if metadata.uid() == account.uid {
                0o100
            } else if metadata.gid() == account.gid {
                0o010
            } else {
                0o001
            };
            metadata.mode() & enter != 0
        })
    })
}

fn canonical(path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(Error::io(format!("find {}", path.display())))
}

/// A short name for a path.
fn digest(path: &Path) -> String {
    Sha256::digest(path.as_os_str().as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:1:1::/:\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        assert_eq!(find_account(ACCOUNTS, "postgres"), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(find_account(ACCOUNTS, "nobody"), None);
        assert_eq!(find_account(ACCOUNTS, "root"), None, "the server refuses root");
    }

    #[test]
    fn a_closed_directory_is_not_reached_by_others() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).expect("closed");
        let owner = fs::metadata(directory.path()).expect("there").uid();
        let stranger = Account { uid: owner + 54_321, gid: 54_321 };
        assert!(!reaches(stranger, directory.path()));
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711)).expect("opened");
        assert!(reaches(stranger, directory.path()));
    }
}
