//! Programs under limits of memory and threads that are too low for a start. Taken by `#[path]`.

use std::process::Command;

/// Starts the program, to which `with_program` adds its path and arguments, under each limit. It has to end with exit
/// code 1 and one line that names what is missing.
pub(crate) fn check_limits(with_program: impl Fn(&mut Command)) {
    for (limit, words) in [
        ("--as=67108864", "of memory are not free"),
        ("--as=100663296", "of memory are not free"),
        ("--as=134217728", "of memory are not free"),
        ("--nproc=1", " threads; raise the limits"),
    ] {
        let mut limited = Command::new("prlimit");
        if rustix::process::geteuid().is_root() {
            // No number of threads is too large for root.
            limited = Command::new("setpriv");
            limited.args(["--ruid=65534", "--bounding-set=-all", "prlimit"]);
        }
        with_program(limited.arg(limit));
        let output = limited.output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{limit}: {stderr}");
        assert!(stderr.contains(words), "{limit}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{limit}: {stderr}");
    }
}
