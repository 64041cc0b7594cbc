// Rust's runtime opens /dev/null in place of a closed standard output, so what is printed is lost without an error.
// This runs before it, and opens /dev/full, so that each write fails. Where there is no /dev/full, nothing changes.

#include <fcntl.h>
#include <unistd.h>

__attribute__((constructor)) static void fail_writes_to_closed_stdout(void) {
    if (fcntl(STDOUT_FILENO, F_GETFD) != -1) {
        return;
    }
    int full = open("/dev/full", O_WRONLY);
    if (full == -1 || full == STDOUT_FILENO) {
        return;
    }
    dup2(full, STDOUT_FILENO);
    close(full);
}
