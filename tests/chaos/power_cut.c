/* What is surely on disk, kept beside the files themselves: preloaded into every process that works below ROOT.
 *
 * fsync and fdatasync of a file copy its content, as it is when they are called, to SHADOW/files/KEY; fsync of a folder writes the
 * names in it to SHADOW/folders/KEY. Nothing else is durable: neither a write, nor a name that no fsync of its folder has seen.
 * KEY is inode number and time of birth, for numbers are used again. The disk itself is not asked: SHADOW is the disk.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK (1 << 18)

static int key_of(int at, const char *name, int flags, char *key, struct statx *seen) {
    if (statx(at, name, flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, seen)) return -1;
    sprintf(key, "%llu-%lld.%09u", (unsigned long long)seen->stx_ino, (long long)seen->stx_btime.tv_sec, seen->stx_btime.tv_nsec);
    return 0;
}

/* The content of the file behind *handle*, whatever mode that was opened in. */
static int copy(int handle, int to) {
    char name[64];
    sprintf(name, "/proc/self/fd/%d", handle);
    int from = open(name, O_RDONLY | O_CLOEXEC);
    if (from < 0) return -1;
    char *block = malloc(BLOCK);
    ssize_t got;
    while ((got = read(from, block, BLOCK)) > 0)
        if (write(to, block, (size_t)got) != got) got = -2;
    free(block);
    close(from);
    return got < 0 ? -1 : 0;
}

/* The names in the folder behind *handle*, a line each: key, mode, owner, group, name. */
static int list(int handle, int to) {
    int again = openat(handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = again < 0 ? NULL : fdopendir(again);
    if (!folder) return -1;
    struct dirent *entry;
    while ((entry = readdir(folder))) {
        char key[80];
        struct statx seen;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (key_of(handle, entry->d_name, 0, key, &seen)) continue; /* it went meanwhile */
        dprintf(to, "%s %o %u %u %s\n", key, seen.stx_mode, seen.stx_uid, seen.stx_gid, entry->d_name);
    }
    closedir(folder);
    return 0;
}

static void keep(int handle) {
    char link[64], path[PATH_MAX], key[80], name[PATH_MAX], making[PATH_MAX];
    struct statx seen;
    sprintf(link, "/proc/self/fd/%d", handle);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    size_t root = strlen(ROOT);
    if (strncmp(path, ROOT, root) || (path[root] && path[root] != '/')) return;
    if (key_of(handle, "", AT_EMPTY_PATH, key, &seen)) abort();
    int folder = S_ISDIR(seen.stx_mode);
    sprintf(name, SHADOW "/locks/%s", key);
    int lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0) abort(); /* a test that cannot keep its word must not pass */
    fchmod(lock, 0666);
    flock(lock, LOCK_EX); /* two at once: the later content must not be overwritten by the earlier */
    sprintf(name, SHADOW "/%s/%s", folder ? "folders" : "files", key);
    sprintf(making, SHADOW "/making/%d-%s", (int)syscall(SYS_gettid), key);
    int to = open(making, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (to < 0 || (folder ? list(handle, to) : copy(handle, to)) || rename(making, name)) abort();
    fchmod(to, 0666);
    close(to);
    close(lock);
}

int fsync(int handle) {
    int before = errno;
    keep(handle);
    errno = before;
    return 0;
}

int fdatasync(int handle) { return fsync(handle); }
