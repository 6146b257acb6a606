// SPDX-License-Identifier: GPL-2.0
/*
 * workload: kernel work that busybox has no applet for, to be traced.
 *
 *   workload tcp N        N connections over loopback TCP, requests and answers
 *   workload pipe N       N messages through pipes, socket pairs and datagrams
 *   workload process N    N processes that fork, exec, wait and get signals
 *   workload file DIR N   N files made, grown, linked, renamed, read, removed
 *
 * What it does depends on a random sequence with a fixed seed and so repeats.
 * Parent and children share nothing but what the kernel gives; there is no lock.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_MESSAGE	(24 << 10)

static char buf[MAX_MESSAGE];

static unsigned int random32(void)
{
	static unsigned int x = 88172645;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* Mostly small, now and then up to @max. */
static size_t random_size(size_t max)
{
	size_t limit = max >> (random32() % 8);

	return 1 + random32() % (limit ? limit : 1);
}

static void transfer(int fd, size_t len, bool writes)
{
	ssize_t n;

	while (len) {
		n = writes ? write(fd, buf, len) : read(fd, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			err(1, writes ? "write" : "read");
		len -= n;
	}
}

static pid_t xfork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	return pid;
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (status)
		errx(1, "a child ended with status %#x", status);
}

struct request {
	unsigned int ask, answer;
};

static void tcp_serve(int listener)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = listener }, got[64];
	int ep = epoll_create1(0), fd, i, n;
	struct request req;

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev))
		err(1, "epoll");
	for (;;) {
		n = epoll_wait(ep, got, 64, -1);
		for (i = 0; i < n; i++) {
			if (got[i].data.fd == listener) {
				fd = accept(listener, NULL, NULL);
				if (fd < 0)
					err(1, "accept");
				ev.data.fd = fd;
				if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
					err(1, "epoll_ctl");
				continue;
			}
			fd = got[i].data.fd;
			if (recv(fd, &req, sizeof(req), MSG_WAITALL) != sizeof(req)) {
				close(fd);
				continue;
			}
			if (!req.ask && !req.answer)
				exit(0);
			transfer(fd, req.ask, false);
			transfer(fd, req.answer, true);
		}
	}
}

/* Keeps a window of connections open, each with a few requests. */
static void run_tcp(unsigned int nr)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), window[128], fd;
	struct linger reset = { .l_onoff = 1 };
	socklen_t len = sizeof(addr);
	struct request req;
	unsigned int i, k;
	pid_t server;

	memset(window, -1, sizeof(window));
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, len) ||
	    listen(listener, 128) || getsockname(listener, (struct sockaddr *)&addr, &len))
		err(1, "listen");
	server = xfork();
	if (!server)
		tcp_serve(listener);
	close(listener);
	for (i = 0; i <= nr; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
			err(1, "connect");
		/* No port waits in TIME_WAIT, however many connections there are. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		for (k = 0; k < 8 && i < nr; k++) {
			req.ask = random_size(MAX_MESSAGE);
			req.answer = random_size(MAX_MESSAGE);
			if (send(fd, &req, sizeof(req), MSG_MORE) != sizeof(req))
				err(1, "send");
			transfer(fd, req.ask, true);
			transfer(fd, req.answer, false);
		}
		if (window[i % 128] >= 0)
			close(window[i % 128]);
		window[i % 128] = fd;
	}
	memset(&req, 0, sizeof(req));
	if (send(fd, &req, sizeof(req), 0) != sizeof(req))
		err(1, "send");
	wait_for(server);
}

/* Messages queue up before they are read. */
static void run_pipe(unsigned int nr)
{
	unsigned int i, k, batch;
	int pair[2];

	for (i = 0; i < nr; i += batch) {
		batch = 1 + random32() % 16;
		switch (random32() % 3) {
		case 0:
			if (pipe(pair))
				err(1, "pipe");
			fcntl(pair[1], F_SETPIPE_SZ, 4096 << (random32() % 8));
			break;
		case 1:
			if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
				err(1, "socketpair");
			break;
		default:
			if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
				err(1, "socketpair");
			break;
		}
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
		fcntl(pair[1], F_SETFL, O_NONBLOCK);
		for (k = 0; k < batch; k++)
			if (write(pair[1], buf, random_size(MAX_MESSAGE)) < 0 && errno != EAGAIN)
				err(1, "write");
		while (read(pair[0], buf, sizeof(buf)) > 0)
			;
		close(pair[0]);
		close(pair[1]);
	}
}

static void child_work(const char *self)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000 };
	int tfd, efd, ifd;
	char *map;

	map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		err(1, "mmap");
	map[0] = 1;
	mprotect(map + (64 << 10), 64 << 10, PROT_READ);
	munmap(map + (256 << 10), 64 << 10);
	tfd = timerfd_create(CLOCK_MONOTONIC, 0);
	efd = eventfd(1, 0);
	ifd = inotify_init();
	if (tfd < 0 || efd < 0 || ifd < 0)
		err(1, "fd");
	timerfd_settime(tfd, 0, &soon, NULL);
	inotify_add_watch(ifd, "/tmp", IN_CREATE | IN_DELETE);
	transfer(tfd, 8, false);
	execl(self, self, "nothing", NULL);
	err(1, "%s", self);
}

static void run_process(const char *self, unsigned int nr)
{
	pid_t window[16] = {}, pid;
	unsigned int i;

	for (i = 0; i < nr + 16; i++) {
		pid = window[i % 16];
		if (pid > 0)
			wait_for(pid);
		window[i % 16] = 0;
		if (i >= nr)
			continue;
		pid = xfork();
		if (!pid)
			child_work(self);
		window[i % 16] = pid;
	}
}

static void run_file(const char *dir, unsigned int nr)
{
	char name[256], other[300];
	unsigned int i, k, which;
	struct dirent *d;
	int fd;
	DIR *list;

	mkdir(dir, 0755);
	for (i = 0; i < nr; i++) {
		which = random32() % 512;
		if (i % 64 == 0)
			snprintf(name, sizeof(name), "%s/d%u", dir, which);
		else
			snprintf(name, sizeof(name), "%s/f%u", dir, which);
		if (i % 64 == 0) {
			if (mkdir(name, 0755))
				rmdir(name);
			list = opendir(dir);
			while (list && (d = readdir(list)))
				;
			if (list)
				closedir(list);
			continue;
		}
		fd = open(name, O_RDWR | O_CREAT | O_APPEND, 0644);
		if (fd < 0)
			err(1, "%s", name);
		for (k = random32() % 4; k; k--)
			transfer(fd, random_size(MAX_MESSAGE), true);
		lseek(fd, 0, SEEK_SET);
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
		snprintf(other, sizeof(other), "%s.x", name);
		switch (random32() % 4) {
		case 0:
			unlink(name);
			break;
		case 1:
			if (rename(name, other))
				err(1, "%s", other);
			break;
		case 2:
			if (!symlink(name, other))
				unlink(other);
			break;
		default:
			stat(other, &(struct stat){ 0 });
			break;
		}
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned int nr = argc > 2 ? atoi(argv[argc - 1]) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(what, "nothing"))
		return 0;
	if (!strcmp(what, "tcp") && argc == 3 && nr)
		run_tcp(nr);
	else if (!strcmp(what, "pipe") && argc == 3 && nr)
		run_pipe(nr);
	else if (!strcmp(what, "process") && argc == 3 && nr)
		run_process(argv[0], nr);
	else if (!strcmp(what, "file") && argc == 4 && nr)
		run_file(argv[2], nr);
	else
		errx(1, "usage: workload tcp|pipe|process N, or workload file DIR N");
	return 0;
}
