/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what the kernel tests watch: `actor ACTION [ARGUMENT...]`.
 *
 * In C and static, so that a process consists of little more than the system calls under test: no
 * dynamic loader opens files, and an exec costs as little as it can. Facts that only the process
 * itself knows go to standard output, one `name value` a line. What goes wrong ends it with a
 * message and status 120.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static void failed(const char *what)
{
	dprintf(2, "actor: %s: %s\n", what, strerror(errno));
	_exit(120);
}

/* The value of a call that must succeed. */
#define MUST(call)                                                                                                     \
	({                                                                                                             \
		long value_ = (long)(call);                                                                            \
		if (value_ == -1)                                                                                      \
			failed(#call);                                                                                 \
		value_;                                                                                                \
	})

static void fact(const char *name, long value)
{
	dprintf(1, "%s %ld\n", name, value);
}

static void reap(pid_t child)
{
	int status;

	MUST(waitpid(child, &status, __WALL));
}

static char *path_in(const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		failed("memory");
	return path;
}

/* Starts `noop` with these arguments behind it; does not come back. */
static void become(const char *marker)
{
	char *arguments[] = { self, "noop", (char *)marker, NULL };

	execv(self, arguments);
	failed("execv");
}

/* ---- exec ---- */

static void memfd(char *name)
{
	int from = MUST(open(self, O_RDONLY | O_CLOEXEC)), into = MUST(memfd_create(name, 0));
	char *arguments[] = { "memfd", "noop", NULL }, *environment[] = { NULL };
	char bytes[65536];
	ssize_t count;

	while ((count = MUST(read(from, bytes, sizeof(bytes)))) > 0)
		MUST(write(into, bytes, count));
	MUST(fexecve(into, arguments, environment));
}

static void deleted(char *path)
{
	int file = MUST(open(path, O_RDONLY));
	char *arguments[] = { "deleted", "noop", NULL }, *environment[] = { NULL };

	MUST(unlink(path));
	MUST(syscall(SYS_execveat, file, "", arguments, environment, AT_EMPTY_PATH));
}

static void environment(void)
{
	static char big[10240], preload[] = "LD_PRELOAD=/nonexistent/first.so", late[] = "LD_LIBRARY_PATH=/nonexistent/late";
	char *arguments[] = { self, "noop", "environment", NULL };
	char *variables[] = { preload, "PASSWORD=hunter2", "LD_PRELOADED=hunter2", big, late, NULL };

	memset(big, 'x', sizeof(big) - 1);
	/* Inside the long value stands what looks like a variable of interest at the place where a step of reading ends. */
	memcpy(big, "BIG=", 4);
	memcpy(big + 255, "LD_PRELOAD=hunter2", 18);
	MUST(execve(self, arguments, variables));
}

static void deep(char *folder, int levels)
{
	char name[32];

	MUST(chdir(folder));
	for (int i = 0; i < levels; i++) {
		snprintf(name, sizeof(name), "level-%d", i);
		MUST(mkdir(name, 0755));
		MUST(chdir(name));
	}
	become("deep");
}

static void on_terminal(void)
{
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY)), terminal;

	MUST(unlockpt(master));
	terminal = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	MUST(dup2(terminal, 0));
	MUST(close(2));
	become("terminal");
}

static int listener(int family, struct sockaddr_in6 *address)
{
	struct sockaddr_in6 any = { .sin6_family = family };
	socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(any);
	int sock = MUST(socket(family, SOCK_STREAM, 0));

	if (family == AF_INET)
		((struct sockaddr_in *)&any)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		any.sin6_addr = in6addr_loopback;
	MUST(bind(sock, (struct sockaddr *)&any, length));
	MUST(listen(sock, 5));
	MUST(getsockname(sock, (struct sockaddr *)&any, &length));
	*address = any;
	return sock;
}

/* Ports stand at the same place in both families' addresses. */
static int port_of(int sock)
{
	struct sockaddr_in6 address = {};
	socklen_t length = sizeof(address);

	MUST(getsockname(sock, (struct sockaddr *)&address, &length));
	return ntohs(address.sin6_port);
}

static socklen_t length_of(const struct sockaddr_in6 *address)
{
	return address->sin6_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(*address);
}

static void on_socket(void)
{
	struct sockaddr_in6 four, six;
	int listening = listener(AF_INET, &four), listening6 = listener(AF_INET6, &six);
	int out = MUST(socket(AF_INET, SOCK_STREAM, 0)), out6 = MUST(socket(AF_INET6, SOCK_STREAM, 0)), pair[2];

	MUST(connect(out, (struct sockaddr *)&four, length_of(&four)));
	MUST(connect(out6, (struct sockaddr *)&six, length_of(&six)));
	fact("port", ntohs(four.sin6_port));
	fact("port6", ntohs(six.sin6_port));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(dup2(out, 0));
	MUST(dup2(out6, 1));
	MUST(dup2(pair[0], 2));
	(void)listening, (void)listening6;
	become("socket");
}

/* ---- processes ---- */

static void forks(void)
{
	pid_t child = MUST(fork());
	struct clone_args clone3 = { .exit_signal = SIGCHLD };

	if (!child)
		_exit(1);
	fact("fork", child);
	reap(child);
	child = vfork();
	if (!child)
		_exit(2);
	fact("vfork", child);
	reap(child);
	child = MUST(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	if (!child)
		_exit(3);
	fact("clone", child);
	reap(child);
	child = MUST(syscall(SYS_clone3, &clone3, sizeof(clone3)));
	if (!child)
		_exit(4);
	fact("clone3", child);
	reap(child);
}

static void *sleeps(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *ends_the_process(void *unused)
{
	usleep(50000);
	exit(9);
	return unused;
}

static void *ends_itself(void *unused)
{
	usleep(50000);
	return unused;
}

static void start(void *(*work)(void *))
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, work, NULL);
	if (errno)
		failed("pthread_create");
}

static void exits(void)
{
	pid_t child = MUST(fork());

	if (!child) {
		usleep(100000);
		_exit(7);
	}
	fact("code", child);
	reap(child);
	for (int number = 0; number < 2; number++) {
		static const int signals[] = { SIGKILL, SIGABRT };

		child = MUST(fork());
		if (!child) {
			raise(signals[number]);
			_exit(1);
		}
		fact(number ? "abort" : "kill", child);
		reap(child);
	}
	child = MUST(fork());
	if (!child) {
		for (int i = 0; i < 8; i++)
			start(sleeps);
		exit(3);
	}
	fact("group", child);
	reap(child);
	child = MUST(fork());
	if (!child) {
		start(ends_the_process);
		pthread_exit(NULL);
	}
	fact("leader_first", child);
	reap(child);
	/* Eight threads and the leader end one by one, all at about the same time. */
	child = MUST(fork());
	if (!child) {
		for (int i = 0; i < 8; i++)
			start(ends_itself);
		usleep(50000);
		pthread_exit(NULL);
	}
	fact("one_by_one", child);
	reap(child);
}

static void *thread_execs(void *unused)
{
	fact("thread", gettid());
	become("from-a-thread");
	return unused;
}

static void exec_in_thread(void)
{
	fact("leader", getpid());
	start(sleeps);
	start(thread_execs);
	pause();
}

/* Opens a file for each byte on standard input: for processes older than the sensor or from elsewhere. */
static void open_when_told(char *path)
{
	char byte;

	fact("ready", getpid());
	while (MUST(read(0, &byte, 1)) > 0)
		MUST(open(path, O_RDONLY));
}

/* Starts `noop` with the program `path`, `count` times, one after the other. */
static void spawn(const char *path, const char *marker, int count)
{
	char *arguments[] = { (char *)path, "noop", (char *)marker, NULL };

	for (int i = 0; i < count; i++) {
		pid_t child = vfork();

		if (!child) {
			execv(path, arguments);
			_exit(121);
		}
		MUST(child);
		reap(child);
	}
}

static void noise(char *path, char *file, int count)
{
	for (int i = 0; i < count; i++) {
		int opened = MUST(open(file, O_RDONLY));

		MUST(close(opened));
	}
	spawn(path, file, count / 10);
}

/* A child that is born in another cgroup than its parent's. */
static void into_cgroup(char *cgroup)
{
	struct clone_args clone3 = { .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD };
	pid_t child;

	clone3.cgroup = MUST(open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	child = MUST(syscall(SYS_clone3, &clone3, sizeof(clone3)));
	if (!child)
		become("born-inside");
	fact("child", child);
	reap(child);
}

static void write_to(const char *path, const char *text)
{
	int file = MUST(open(path, O_WRONLY | O_CLOEXEC));

	MUST(write(file, text, strlen(text)));
	MUST(close(file));
}

/* Many processes in a pid namespace; with a limit of 301 ids where namespaces have one of their own. */
static void pid_namespace(int count)
{
	pid_t child;

	MUST(unshare(CLONE_NEWPID | CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	child = MUST(fork());
	if (child) {
		reap(child);
		return;
	}
	MUST(mount("proc", "/proc", "proc", 0, NULL));
	if (getenv("ACTOR_PID_MAX"))
		write_to("/proc/sys/kernel/pid_max", getenv("ACTOR_PID_MAX"));
	spawn(self, "in-namespace", count);
	_exit(0);
}

/* ---- files ---- */

static long last_error(long value)
{
	return value < 0 ? errno : 0;
}

static void files(char *folder)
{
	struct open_how how = { .flags = O_RDWR };
	char *long_path = malloc(4096);
	pid_t child;
	int place;

	MUST(syscall(SYS_open, path_in(folder, "there"), O_RDONLY));
	MUST(openat(AT_FDCWD, path_in(folder, "written"), O_WRONLY | O_CREAT, 0640));
	MUST(openat(AT_FDCWD, path_in(folder, "truncated"), O_RDWR | O_TRUNC | O_CREAT, 0640));
	MUST(open(path_in(folder, "placed"), O_PATH));
	MUST(syscall(SYS_openat2, AT_FDCWD, path_in(folder, "second"), &how, sizeof(how)));
	MUST(syscall(SYS_creat, path_in(folder, "made.tar.gz"), 0600));
	fact("missing", last_error(open(path_in(folder, "missing"), O_RDONLY)));
	MUST(open(path_in(folder, "link"), O_RDONLY));
	MUST(open(path_in(folder, "link"), O_PATH | O_NOFOLLOW));
	place = MUST(open(path_in(folder, "sub"), O_RDONLY | O_DIRECTORY));
	MUST(openat(place, "inside", O_RDONLY));
	MUST(chdir(folder));
	MUST(open("relative", O_RDONLY));
	MUST(open("/", O_PATH));
	MUST(open(folder, O_TMPFILE | O_WRONLY, 0600));
	/* 4,000 bytes that lead to a file all the same. */
	strcpy(long_path, folder);
	while (strlen(long_path) < 3990)
		strcat(long_path, strlen(long_path) % 2 ? "//" : "/.");
	long_path[3990] = 0;
	if (long_path[3989] == '/')
		long_path[3989] = 0;
	strcat(long_path, "/long");
	fact("long_bytes", strlen(long_path));
	MUST(open(long_path, O_RDONLY));
	child = MUST(fork());
	if (!child) {
		MUST(setresuid(65534, 65534, 65534));
		fact("secret", last_error(open(path_in(folder, "secret"), O_RDWR)));
		_exit(0);
	}
	reap(child);
}

/* Opens below mounts and a root of its own. What cannot be mounted here is said with its error. */
static void mounts(char *folder)
{
	char *options, *overlay = path_in(folder, "overlay");
	int outside;

	MUST(unshare(CLONE_NEWNS));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	MUST(mount(path_in(folder, "sub"), path_in(folder, "bound"), NULL, MS_BIND, NULL));
	MUST(open(path_in(folder, "bound/inside"), O_RDONLY));
	MUST(mount("none", path_in(folder, "memory"), "tmpfs", 0, NULL));
	MUST(open(path_in(folder, "memory/fresh"), O_RDWR | O_CREAT, 0600));
	MUST(mkdir(path_in(folder, "memory/upper"), 0755));
	MUST(mkdir(path_in(folder, "memory/work"), 0755));
	if (asprintf(&options, "lowerdir=%s/sub,upperdir=%s/memory/upper,workdir=%s/memory/work", folder, folder, folder) < 0)
		failed("memory");
	if (mount("overlay", overlay, "overlay", 0, options))
		fact("overlay", errno);
	else
		MUST(open(path_in(overlay, "inside"), O_RDWR));
	outside = MUST(open(path_in(folder, "."), O_RDONLY | O_DIRECTORY));
	fact("before_chroot", 0);
	MUST(chroot(path_in(folder, "sub")));
	MUST(chdir("/"));
	MUST(open("/inside", O_RDONLY));
	MUST(openat(outside, "second", O_RDONLY));
	MUST(execl("/noop", "/noop", "noop", "in-chroot", NULL));
}

static void flood(char *path, int count)
{
	for (int i = 0; i < count; i++) {
		int file = MUST(open(path, O_RDONLY));

		MUST(close(file));
	}
}

/* ---- sockets ---- */

static void exchange(const char *name, int family, int listening_family)
{
	struct sockaddr_in6 address, target = {};
	int listening = listener(listening_family, &address), client = MUST(socket(family, SOCK_STREAM, 0));
	char text[64];

	target = address;
	if (family != listening_family) {
		memset(&target, 0, sizeof(target));
		target.sin6_family = AF_INET6;
		target.sin6_port = address.sin6_port;
		MUST(inet_pton(AF_INET6, "::ffff:127.0.0.1", &target.sin6_addr));
	}
	MUST(connect(client, (struct sockaddr *)&target, length_of(&target)));
	MUST(accept4(listening, NULL, NULL, SOCK_CLOEXEC));
	snprintf(text, sizeof(text), "%s_server", name);
	fact(text, ntohs(address.sin6_port));
	snprintf(text, sizeof(text), "%s_client", name);
	fact(text, port_of(client));
	MUST(close(listening));
}

static void sockets(void)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, closed = four;
	struct sockaddr nothing = { .sa_family = AF_UNSPEC };
	struct sockaddr_in6 address;
	socklen_t length = sizeof(closed);
	int sock, taken, other, pair[2];

	exchange("v4", AF_INET, AF_INET);
	exchange("v6", AF_INET6, AF_INET6);
	exchange("mapped", AF_INET6, AF_INET);
	/* UDP: connect and bind leave the wire alone. */
	sock = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(bind(sock, (struct sockaddr *)&four, sizeof(four)));
	fact("udp_server", port_of(sock));
	four.sin_port = htons(9);
	other = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(connect(other, (struct sockaddr *)&four, sizeof(four)));
	fact("udp_client", port_of(other));
	/* Dissolving an association is no connection. */
	MUST(connect(other, &nothing, sizeof(nothing)));
	/* A port that is bound and does not listen refuses. */
	taken = MUST(socket(AF_INET, SOCK_STREAM, 0));
	four.sin_port = 0;
	MUST(bind(taken, (struct sockaddr *)&four, sizeof(four)));
	MUST(getsockname(taken, (struct sockaddr *)&closed, &length));
	fact("closed", ntohs(closed.sin_port));
	sock = MUST(socket(AF_INET, SOCK_STREAM, 0));
	fact("refused", last_error(connect(sock, (struct sockaddr *)&closed, sizeof(closed))));
	other = MUST(socket(AF_INET, SOCK_STREAM, 0));
	fact("in_use", last_error(bind(other, (struct sockaddr *)&closed, sizeof(closed))));
	/* Not waited for. */
	taken = listener(AF_INET, &address);
	sock = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	fact("in_progress", last_error(connect(sock, (struct sockaddr *)&address, length_of(&address))));
	fact("in_progress_server", ntohs(address.sin6_port));
	/* Other families are none of our kinds. */
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	sock = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(sock, (struct sockaddr *)&(struct sockaddr_un){ .sun_family = AF_UNIX }, sizeof(sa_family_t)));
	MUST(listen(sock, 1));
}

/* ---- 32-bit system calls ---- */

/* The upper halves of the registers are no part of the arguments: filled with ones, they must not matter. */
static long compat(long number, unsigned long first, unsigned long second, unsigned long third)
{
	const unsigned long dirt = 0x5555555500000000;
	long value;

	asm volatile("int $0x80"
		     : "=a"(value)
		     : "a"(number), "b"(first | dirt), "c"(second | dirt), "d"(third | dirt)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)value;
}

static void compat_calls(char *folder)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct sockaddr_in6 address;
	unsigned int *arguments = (unsigned int *)(low + 2048);
	int listening = listener(AF_INET, &address), sock = MUST(socket(AF_INET, SOCK_STREAM, 0));
	long value;

	if (low == MAP_FAILED)
		failed("mmap");
	snprintf(low, 2000, "%s/compat-open", folder);
	value = compat(5, (unsigned long)low, O_RDWR, 0);
	if (value < 0) {
		fact("unavailable", -value);
		return;
	}
	snprintf(low, 2000, "%s/compat-openat", folder);
	fact("openat", compat(295, (unsigned int)AT_FDCWD, (unsigned long)low, O_RDONLY));
	snprintf(low, 2000, "%s/compat-creat", folder);
	fact("creat", compat(8, (unsigned long)low, 0600, 0));
	memcpy(low, &address, sizeof(struct sockaddr_in));
	arguments[0] = sock;
	arguments[1] = (unsigned int)(unsigned long)low;
	arguments[2] = sizeof(struct sockaddr_in);
	fact("connect", compat(102, 3, (unsigned long)arguments, 0));
	fact("server", ntohs(address.sin6_port));
	arguments[0] = listening;
	arguments[1] = 0;
	arguments[2] = 0;
	fact("accept", compat(102, 5, (unsigned long)arguments, 0) < 0);
}

/* ---- load ---- */

static void hop_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
}

/* The life of one process of the load: moved to another CPU before each of its calls. */
static void hop_child(int first, int cpus)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(9) };
	int sock;

	hop_to((first + 1) % cpus);
	sock = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	MUST(connect(sock, (struct sockaddr *)&four, sizeof(four)));
	hop_to(first % cpus);
	_exit(0);
}

/* `count` processes, as many at once as there are CPUs. */
static void hop(int count, int cpus)
{
	char first[16], all[16];
	int bad = 0;

	for (int line = 0; line < cpus; line++) {
		pid_t child = MUST(fork());

		if (child)
			continue;
		snprintf(first, sizeof(first), "%d", line);
		snprintf(all, sizeof(all), "%d", cpus);
		for (int i = line; i < count; i += cpus) {
			char *arguments[] = { self, "hop-child", first, all, NULL };
			int status;

			hop_to(i / cpus % cpus);
			child = vfork();
			if (!child) {
				hop_to((i + 1) % cpus);
				execv(self, arguments);
				_exit(121);
			}
			MUST(child);
			MUST(waitpid(child, &status, 0));
			bad += status != 0;
		}
		_exit(bad ? 1 : 0);
	}
	for (int line = 0, status; line < cpus; line++) {
		MUST(wait(&status));
		bad += status != 0;
	}
	fact("bad", bad);
}

int main(int count, char **arguments)
{
	const char *action = count > 1 ? arguments[1] : "";
	char *first = count > 2 ? arguments[2] : "", *second = count > 3 ? arguments[3] : "";
	char place[4096];
	ssize_t length;

	if (!strcmp(action, "noop"))
		return 0;
	if (!strcmp(action, "hop-child"))
		hop_child(atoi(first), atoi(second));
	length = MUST(readlink("/proc/self/exe", place, sizeof(place) - 1));
	place[length] = 0;
	self = place;
	if (!strcmp(action, "memfd"))
		memfd(first);
	else if (!strcmp(action, "deleted"))
		deleted(first);
	else if (!strcmp(action, "environment"))
		environment();
	else if (!strcmp(action, "deep"))
		deep(first, atoi(second));
	else if (!strcmp(action, "on-terminal"))
		on_terminal();
	else if (!strcmp(action, "on-socket"))
		on_socket();
	else if (!strcmp(action, "forks"))
		forks();
	else if (!strcmp(action, "exits"))
		exits();
	else if (!strcmp(action, "exec-in-thread"))
		exec_in_thread();
	else if (!strcmp(action, "open-when-told"))
		open_when_told(first);
	else if (!strcmp(action, "spawn"))
		spawn(self, first, atoi(second));
	else if (!strcmp(action, "noise"))
		noise(self, first, atoi(second));
	else if (!strcmp(action, "into-cgroup"))
		into_cgroup(first);
	else if (!strcmp(action, "pid-namespace"))
		pid_namespace(atoi(first));
	else if (!strcmp(action, "files"))
		files(first);
	else if (!strcmp(action, "mounts"))
		mounts(first);
	else if (!strcmp(action, "flood"))
		flood(first, atoi(second));
	else if (!strcmp(action, "sockets"))
		sockets();
	else if (!strcmp(action, "compat"))
		compat_calls(first);
	else if (!strcmp(action, "hop"))
		hop(atoi(first), atoi(second));
	else
		failed("unknown action");
	return 0;
}
