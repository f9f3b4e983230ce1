/*
 * test_options.c - command lines and config files against what they ask for
 *
 * Each case is a command line, perhaps with a config file, and either the whole
 * state of the options that results (every field that differs from its default,
 * in the order of show()) or the exact sentence that refuses it.
 */
#include "tests/rig/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/options/option_table.h"
#include "app/options/option_value.h"
#include "app/options/options.h"
#include "base/units.h"

#define ARGS_MAX 12

struct parse_case {
	const char *argv[ARGS_MAX];
	int rc;
	const char *expected; /* the state, or the sentence */
	const char *config;   /* contents of "tap.conf"; NULL: none */
};

/* ---- the state as text ---- */

static void show_texts(struct buffer *out, const char *name, const struct texts *list)
{
	if (list->count == 0)
		return;
	buffer_printf(out, " %s=", name);
	for (size_t i = 0; i < list->count; i++)
		buffer_printf(out, "%s%s", i ? "," : "", list->at[i]);
}

static void show_text(struct buffer *out, const char *name, const char *value)
{
	if (value)
		buffer_printf(out, " %s=%s", name, value);
}

static void show_number(struct buffer *out, const char *name, uint64_t value, uint64_t initial)
{
	if (value != initial)
		buffer_printf(out, " %s=%llu", name, (unsigned long long)value);
}

static void show_target(struct buffer *out, const struct target_settings *t)
{
	char share[UNITS_TEXT_MAX];

	buffer_printf(out, " %s->%s", t->url.name, t->url.shown);
	if (t->sample_share != SHARE_ONE)
		buffer_printf(out, "@%s", share_text(t->sample_share, share));
	if (t->rate)
		buffer_printf(out, "@%llu/s", (unsigned long long)t->rate);
	if (t->http_version)
		buffer_printf(out, "@http%d", t->http_version);
	for (size_t i = 0; i < t->set_headers.count; i++)
		buffer_printf(out, "{%s}", t->set_headers.at[i]);
}

static void show_compare(struct buffer *out, const struct compare_settings *c)
{
	show_number(out, "compare", c->on, false);
	if (c->rtol != 1e-5 || c->atol != 1e-8)
		buffer_printf(out, " tolerance=%g,%g", c->rtol, c->atol);
	show_text(out, "rules", c->rules_path);
	show_texts(out, "ignore", &c->ignore);
	show_texts(out, "unordered", &c->unordered);
	show_texts(out, "slices", &c->slice_by);
	show_number(out, "max_answer", c->max_response, 8 << 20);
	show_number(out, "bodies", c->show_bodies, false);
	show_text(out, "fail_on", c->fail_on);
}

static void show_relay(struct buffer *out, const struct relay_settings *r)
{
	show_text(out, "creds", r->creds_file);
	show_text(out, "nkey", r->nkey_file);
	show_text(out, "relay_name", r->name);
	if (r->partitions != 16 || r->retain_ns != 3600 * INT64_C(1000000000) || r->retain_bytes != 1 << 30)
		buffer_printf(out, " stream=%u,%lld,%llu", r->partitions, (long long)r->retain_ns, (unsigned long long)r->retain_bytes);
	show_number(out, "relay_buffer", r->buffer_bytes, 16 << 20);
	if (strcmp(r->group, "replay") != 0)
		show_text(out, "group", r->group);
	if (r->from.start != RELAY_FROM_NOW)
		buffer_printf(out, " from=%d,%lld", r->from.start, (long long)r->from.ns);
	show_number(out, "max_age", (uint64_t)r->max_age_ns, 0);
}

static void show(const struct options *o, struct buffer *out)
{
	const struct policy_options *p = &o->policy;
	char endpoint[ENDPOINT_TEXT_MAX];

	show_number(out, "command", o->command, COMMAND_RUN);
	show_number(out, "shell", o->shell, SHELL_BASH);
	show_texts(out, "if", &o->interfaces);
	show_texts(out, "files", &o->files);
	if (o->relay.source.host_count > 0)
		buffer_printf(out, " broker<-%s", o->relay.source.shown);
	for (size_t i = 0; i < o->ports.count; i++)
		buffer_printf(out, "%s%u", i ? "," : " ports=", o->ports.port[i]);
	for (size_t i = 0; i < o->vxlan_ports.count; i++)
		buffer_printf(out, "%s%u", i ? "," : " vxlan_ports=", o->vxlan_ports.port[i]);
	show_number(out, "tunnels", o->tunnels, 0);
	show_text(out, "bpf", o->expression);
	show_number(out, "snaplen", o->snaplen, 262144);
	show_number(out, "buffer", o->buffer_bytes, 64 << 20);
	show_number(out, "promiscuous", o->promiscuous, true);
	if (o->user && (geteuid() != 0 || strcmp(o->user, "nobody") != 0))
		show_text(out, "user", o->user);
	show_texts(out, "methods", &p->methods);
	if (!p->preset || strcmp(p->preset, "any") != 0)
		show_text(out, "preset", p->preset ? p->preset : "NULL");
	show_texts(out, "paths", &p->paths);
	show_texts(out, "not_paths", &p->not_paths);
	show_texts(out, "hosts", &p->hosts);
	show_texts(out, "match_headers", &p->match_headers);
	show_number(out, "side_effects", p->allow_side_effects, false);
	show_number(out, "h2", o->h2, H2_AUTO);
	show_number(out, "h2_heads", p->h2_heads, H2_HEADS_AUTO);
	show_number(out, "share", p->sample_share, SHARE_ONE);
	if (o->ramp.over_ns > 0)
		buffer_printf(out, " ramp=%llu..%llu/%llu", (unsigned long long)o->ramp.from,
			      (unsigned long long)o->ramp.to, (unsigned long long)o->ramp.over_ns);
	show_number(out, "decide", (uint64_t)o->ramp.decide_ns, 0);
	show_number(out, "keep", o->ramp.keep, RAMP_KEEP_ALL);
	show_number(out, "cpu", o->max_cpu, 0);
	show_number(out, "by", p->sample_by, SAMPLE_BY_REQUEST);
	show_text(out, "by_header", p->sample_header);
	show_number(out, "max_body", o->max_body, 8 << 20);
	show_number(out, "max_stream", (uint64_t)o->max_stream_ns, 30 * 1000000000ull);
	show_number(out, "count", o->count, 0);
	if (o->relay.target.host_count > 0)
		buffer_printf(out, " broker->%s", o->relay.target.shown);
	for (size_t i = 0; i < o->target_count; i++)
		show_target(out, &o->targets[i]);
	show_texts(out, "allow", &o->allow_headers);
	show_number(out, "host_mode", o->host_mode, HOST_TARGET);
	show_text(out, "host", o->host_value);
	show_texts(out, "rewrite", &o->rewrite_paths);
	show_number(out, "insecure", o->tls.insecure, false);
	show_text(out, "cacert", o->tls.ca_file);
	show_text(out, "cert", o->tls.cert_file);
	show_text(out, "key", o->tls.key_file);
	show_number(out, "max_time", (uint64_t)o->max_time_ns, 300000000);
	show_number(out, "connect", (uint64_t)o->connect_timeout_ns, 0);
	show_number(out, "connections", o->connections, 64);
	show_number(out, "streams", o->streams, 128);
	show_number(out, "queue", o->queue, 4096);
	show_number(out, "memory", o->max_memory, 256 << 20);
	show_number(out, "breaker", o->breaker, 10);
	show_number(out, "dry", o->dry_run, false);
	show_compare(out, &o->compare);
	show_relay(out, &o->relay);
	show_number(out, "stop_when", o->compare.stop_when, STOP_WHEN_NEVER);
	show_number(out, "speed_max", o->speed_max, false);
	if (o->speed != 1)
		buffer_printf(out, " speed=%g", o->speed);
	show_number(out, "loops", o->loops, 1);
	show_number(out, "max_sleep", (uint64_t)o->max_sleep_ns, 0);
	show_number(out, "duration", (uint64_t)o->duration_ns, 0);
	show_text(out, "events", o->events_path);
	show_texts(out, "reports", &o->reports);
	show_text(out, "on_end", o->on_end);
	show_number(out, "trace", o->traceparent, TRACEPARENT_NONE);
	if (o->admin.at.family)
		show_text(out, "admin", endpoint_text(&o->admin.at, endpoint));
	if (o->admin.path[0])
		show_text(out, "admin", o->admin.path);
	show_text(out, "config", o->config_path);
	show_number(out, "log", o->log_format, LOG_FORMAT_BY_TERMINAL);
	show_number(out, "stats", (uint64_t)o->stats_every_ns, 0);
	show_number(out, "query", o->show_query, false);
	show_number(out, "quiet", o->quiet, false);
	show_number(out, "verbose", o->verbose, 0);
}

/* ---- what is accepted ---- */

static const struct parse_case accepted[] = {
	{ { "-t", "sink:" }, 0, " if=any default->sink:" },
	{ { "-tsink:" }, 0, " if=any default->sink:" },
	{ { "--target=sink:" }, 0, " if=any default->sink:" },
	{ { "--target", "http://10.0.0.1:9000/base/" }, 0, " if=any default->http://10.0.0.1:9000/base" },
	{ { "--dry-run" }, 0, " if=any dry=1" },
	{ { "--dry-run", "-i", "eth0", "-ilo" }, 0, " if=eth0,lo dry=1" },
	{ { "--dry-run", "-r", "a.pcap", "-r", "-" }, 0, " files=a.pcap,- dry=1" },

	/* https and Unix sockets; paths */
	{ { "-t", "a=https://h", "-tb=unix:/run/x:/p", "-kn", "--cert", "c", "--key=k" }, 0,
	  " if=any a->https://h b->unix:/run/x:/p insecure=1 cert=c key=k" },
	{ { "--dry-run", "--cacert", "ca.pem", "--insecure=no" }, 0, " if=any cacert=ca.pem dry=1" },
	{ { "--dry-run", "--rewrite-path", "^/a => /b", "--rewrite-path=,=>," }, 0,
	  " if=any rewrite=^/a => /b,,=>, dry=1" },

	/* brokers */
	{ { "-t", "nats://u:p@h/d" }, 0, " if=any broker->nats://h:4222/d" },
	{ { "-t", "sink:", "-t", "tls://h:1,i/d", "--nkey", "f", "--relay-name", "n-1", "--relay-buffer", "1M", "-R5" }, 0,
	  " if=any broker->tls://h:1,i:4222/d default->sink:@5/s nkey=f relay_name=n-1 relay_buffer=1048576" },
	{ { "-t", "nats://h/d", "--compare", "--max-answer", "1M" }, 0, " if=any broker->nats://h:4222/d compare=1 max_answer=1048576" },
	{ { "-t", "nats://h/d", "--creds", "c", "--partitions=4", "--retain", "48h", "--retain-size=2G" }, 0,
	  " if=any broker->nats://h:4222/d creds=c stream=4,172800000000000,2147483648" },
	{ { "-t", "sink:", "-r", "nats://h/d", "--group", "g", "--max-age", "1m", "--stop-when=caught-up" }, 0,
	  " broker<-nats://h:4222/d default->sink: group=g max_age=60000000000 stop_when=2" },
	{ { "-t", "sink:", "-rnats://h/d", "--from", "-10m" }, 0, " broker<-nats://h:4222/d default->sink: from=2,600000000000" },
	{ { "-t", "sink:", "-rnats://h/d", "--from=1970-01-01T00:00:01Z" }, 0, " broker<-nats://h:4222/d default->sink: from=3,1000000000" },
	{ { "-t", "sink:", "-rnats://h/d", "--from=start" }, 0, " broker<-nats://h:4222/d default->sink: from=1,0" },

	/* answers; a control is a target with a name of its own, to which -S and -H can speak */
	{ { "-t", "sink:", "--compare" }, 0, " if=any default->sink: compare=1" },
	{ { "-t", "sink:", "--compare", "--rtol", "0", "--atol=1e-3", "--rules", "r", "--fail-on", "compared < 1" }, 0,
	  " if=any default->sink: compare=1 tolerance=0,0.001 rules=r fail_on=compared < 1" },
	{ { "-t", "sink:", "--control", "http://h", "-S", "control:50%", "--compare" }, 0,
	  " if=any default->sink: control->http://h@50% compare=1" },
	{ { "-t", "sink:", "--compare", "--ignore", "/a", "--ignore=/b/*", "--unordered", "/c" }, 0,
	  " if=any default->sink: compare=1 ignore=/a,/b/* unordered=/c" },
	{ { "-t", "sink:", "--compare", "--slice-by", "header:x-tenant", "--max-answer", "1M", "--show-bodies" }, 0,
	  " if=any default->sink: compare=1 slices=x-tenant max_answer=1048576 bodies=1" },

	/* ports; the same one twice is one */
	{ { "--dry-run", "-p8080,8081", "-p", "1", "--port=65535", "-p8080" }, 0,
	  " if=any ports=8080,8081,1,65535 dry=1" },

	/* tunnels: bits in the order of their list */
	{ { "--dry-run", "--decap", "vxlan" }, 0, " if=any tunnels=1 dry=1" },
	{ { "--dry-run", "--decap=pppoe,vxlan", "--decap", "erspan,vxlan" }, 0, " if=any tunnels=73 dry=1" },
	{ { "--dry-run", "--decap=vxlan,geneve,gre,erspan,ipip,mpls,pppoe", "--vxlan-port", "10000,4790" }, 0,
	  " if=any vxlan_ports=10000,4790 tunnels=127 dry=1" },

	/* the expression: words joined, options between and after them, "--" ends options, "-" is a word */
	{ { "--dry-run", "tcp", "and", "host 10.0.0.1", "-i", "lo", "or", "port 1" }, 0,
	  " if=lo bpf=tcp and host 10.0.0.1 or port 1 dry=1" },
	{ { "--dry-run", "--", "-i", "lo" }, 0, " if=any bpf=-i lo dry=1" },
	{ { "--dry-run", "tcp[0]", "-", "1 = 2" }, 0, " if=any bpf=tcp[0] - 1 = 2 dry=1" },
	{ { "--dry-run", "--", "--" }, 0, " if=any bpf=-- dry=1" },

	/* the sample that moves */
	{ { "--dry-run", "--ramp", "1%..20%/30m" }, 0,
	  " if=any share=10000000 ramp=10000000..200000000/1800000000000 dry=1" },
	{ { "-tsink:", "--ramp=0..1/1", "-S", "default:50%", "--max-cpu", "20%" }, 0,
	  " if=any share=0 ramp=0..1000000000/1000000000 cpu=20 default->sink:@50%" },
	{ { "-tsink:", "--compare", "--ramp=0..1/1", "--decide-within", "1h", "--keep", "0.5%" }, 0,
	  " if=any share=0 ramp=0..1000000000/1000000000 decide=3600000000000 keep=5000000 default->sink: compare=1" },
	{ { "--dry-run", "--max-cpu=10000%", "-S1%" }, 0, " if=any share=10000000 cpu=10000 dry=1" },

	/* bundles */
	{ { "-nqvvp80", "--dry-run" }, 0, " if=any ports=80 dry=1 quiet=1 verbose=2" },
	{ { "-nS", "5%", "--dry-run" }, 0, " if=any share=50000000 dry=1" },

	/* the ends of ranges */
	{ { "--dry-run", "-s", "64", "-B", "64K" }, 0, " if=any snaplen=64 buffer=65536 dry=1" },
	{ { "--dry-run", "-s0", "-B2047M" }, 0, " if=any buffer=2146435072 dry=1" },
	{ { "--dry-run", "--connections=65536", "--queue=1048576", "--breaker=1000000", "--max-memory=1T" }, 0,
	  " if=any connections=65536 queue=1048576 memory=1099511627776 breaker=1000000 dry=1" },
	{ { "--dry-run", "--streams=1" }, 0, " if=any streams=1 dry=1" },
	{ { "--dry-run", "--connections=1", "--queue=1", "--breaker=1", "--max-memory=1M", "--max-body=1" }, 0,
	  " if=any max_body=1 connections=1 queue=1 memory=1048576 breaker=1 dry=1" },
	{ { "--dry-run", "--max-stream-time", "1ms" }, 0, " if=any max_stream=1000000 dry=1" },
	{ { "--dry-run", "--max-stream-time=1h" }, 0, " if=any max_stream=3600000000000 dry=1" },
	{ { "--dry-run", "-m", "1ms", "--connect-timeout", "1h" }, 0,
	  " if=any max_time=1000000 connect=3600000000000 dry=1" },
	{ { "--dry-run", "-m60", "--connect-timeout=60.0" }, 0, " if=any max_time=60000000000 connect=60000000000 dry=1" },
	{ { "--dry-run", "-m61s", "--connect-timeout=90000ms", "--duration=61" }, 0,
	  " if=any max_time=61000000000 connect=90000000000 dry=1 duration=61000000000" },
	{ { "--dry-run", "-m0.25", "--duration", "2m", "--stats-every=100ms", "-c1" }, 0,
	  " if=any count=1 max_time=250000000 dry=1 duration=120000000000 stats=100000000" },
	{ { "--dry-run", "-c18446744073709551615" }, 0, " if=any count=18446744073709551615 dry=1" },

	/* the last of a scalar wins */
	{ { "--dry-run", "-s100", "-s200", "-o", "a", "-o-" }, 0, " if=any snaplen=200 dry=1 events=-" },

	/* pace */
	{ { "--dry-run", "-rx", "-x", "0.001", "--loop", "0", "--max-sleep", "5s" }, 0,
	  " files=x dry=1 speed=0.001 loops=0 max_sleep=5000000000" },
	{ { "--dry-run", "-rx", "-x1000" }, 0, " files=x dry=1 speed=1000" },
	{ { "--dry-run", "-rx", "-xmax" }, 0, " files=x dry=1 speed_max=1" },
	{ { "--dry-run", "-rx", "-xmax", "-x.5" }, 0, " files=x dry=1 speed=0.5" },
	{ { "--dry-run", "-r-", "--loop", "1" }, 0, " files=- dry=1" },

	/* rules */
	{ { "--dry-run", "-XGET", "-X", "any", "--preset", "v2", "--path", "^/v1", "--not-path=a=b" }, 0,
	  " if=any methods=GET,any preset=v2 paths=^/v1 not_paths=a=b dry=1" },
	{ { "--dry-run", "--preset=openai" }, 0, " if=any preset=openai max_time=60000000000 dry=1" },
	{ { "--dry-run", "--preset=openai", "-m300ms" }, 0, " if=any preset=openai dry=1" },
	{ { "--dry-run", "--preset=openai", "-f", "tap.conf" }, 0,
	  " if=any preset=openai max_time=2000000000 dry=1 config=tap.conf", "max-time = 2\n" },
	{ { "--dry-run", "-f", "tap.conf" }, 0,
	  " if=any preset=openai max_time=60000000000 dry=1 config=tap.conf", "preset = openai\n" },
	{ { "--dry-run", "--preset=v2", "-f", "tap.conf" }, 0, " if=any preset=v2 dry=1 config=tap.conf", "preset = openai\n" },
	{ { "--dry-run", "--match-host", "x", "--match-header", "A: b", "--match-header", "C: d" }, 0,
	  " if=any hosts=x match_headers=A: b,C: d dry=1" },
	{ { "--dry-run", "--allow-side-effects", "--no-promiscuous", "--show-query" }, 0,
	  " if=any promiscuous=0 side_effects=1 dry=1 query=1" },
	{ { "--dry-run=yes", "--no-promiscuous=no", "--quiet=false", "--show-query=true" }, 0,
	  " if=any dry=1 query=1" },

	/* shares */
	{ { "--dry-run", "-S0.05" }, 0, " if=any share=50000000 dry=1" },
	{ { "--dry-run", "-S0.0001%" }, 0, " if=any share=1000 dry=1" },
	{ { "--dry-run", "-S1" }, 0, " if=any dry=1" },
	{ { "--dry-run", "-S0" }, 0, " if=any share=0 dry=1" },
	{ { "-Sb:10%", "-S50%", "-ta=sink:", "-tb=sink:", "-R7" }, 0,
	  " if=any share=500000000 a->sink:@7/s b->sink:@10%@7/s" },
	{ { "--http-version", "2", "-ta=sink:", "-tb=sink:", "--http-version=b:1" }, 0, " if=any a->sink:@http2 b->sink:@http1" },
	{ { "--http-version", "2", "-ta=sink:", "--http-version=same" }, 0, " if=any a->sink:" },
	{ { "-R1", "-ta=sink:" }, 0, " if=any a->sink:@1/s" },
	{ { "--dry-run", "--sample-by", "connection" }, 0, " if=any by=1 dry=1" },
	{ { "--dry-run", "--sample-by", "client" }, 0, " if=any by=2 dry=1" },
	{ { "--dry-run", "--sample-by", "proxied" }, 0, " if=any by=3 dry=1" },
	{ { "--dry-run", "--sample-by", "id" }, 0, " if=any by=4 dry=1" },
	{ { "--dry-run", "--sample-by=header:X-User" }, 0, " if=any by=5 by_header=X-User dry=1" },
	{ { "--dry-run", "--sample-by", "client", "--sample-by", "request" }, 0, " if=any dry=1" },

	/* headers: for all, or for one if a target is called so */
	{ { "-HA: b", "-ta=sink:", "-tb=sink:", "-Hb:C: d", "-H", "E:" }, 0,
	  " if=any a->sink:{A: b}{E:} b->sink:{A: b}{C: d}{E:}" },
	{ { "-tb=sink:", "-H", "b:x", "-H", "b: c:d" }, 0, " if=any b->sink:{b:x}{b: c:d}" },
	{ { "-tb=sink:", "-H", "b:C:d" }, 0, " if=any b->sink:{C:d}" },
	{ { "-tb=sink:", "-H", "b:C:" }, 0, " if=any b->sink:{C:}" },
	{ { "-tsink:", "-H", "Referer:http://x/", "-H", "Via:1.1 a:80" }, 0,
	  " if=any default->sink:{Referer:http://x/}{Via:1.1 a:80}" },
	{ { "-tsink:", "-H@secret.txt", "-H", "C: d" }, 0,
	  " if=any default->sink:{Authorization: Bearer a#b =}{X-Two: 2 # two}{C: d}" },
	{ { "-ta=sink:", "-tb=sink:", "-Hb:@secret.txt" }, 0,
	  " if=any a->sink: b->sink:{Authorization: Bearer a#b =}{X-Two: 2 # two}" },
	{ { "--dry-run", "--allow-header", "x-*", "--allow-header=cookie" }, 0, " if=any allow=x-*,cookie dry=1" },
	{ { "--dry-run", "--host-header", "keep" }, 0, " if=any host_mode=1 dry=1" },
	{ { "--dry-run", "--host-header", "suffix" }, 0, " if=any host_mode=2 dry=1" },
	{ { "--dry-run", "--host-header", "[::1]:80" }, 0, " if=any host_mode=3 host=[::1]:80 dry=1" },

	{ { "--dry-run", "--traceparent", "new" }, 0, " if=any dry=1 trace=1" },
	{ { "--dry-run", "--traceparent=none" }, 0, " if=any dry=1" },

	/* what is told */
	{ { "--completion", "bash" }, 0, " command=5 if=any" },
	{ { "--completion=zsh" }, 0, " command=5 shell=1 if=any" },
	{ { "--completion=fish" }, 0, " command=5 shell=2 if=any" },
	{ { "--dry-run", "--on-end", "curl '$SHADOWTAP_REPORT'" }, 0, " if=any dry=1 on_end=curl '$SHADOWTAP_REPORT'" },
	{ { "--dry-run", "--admin", "[::1]:9090" }, 0, " if=any dry=1 admin=[::1]:9090" },
	{ { "--dry-run", "--admin", "unix:/run/x" }, 0, " if=any dry=1 admin=/run/x" },
	{ { "--dry-run", "--report", "a.json", "--report=b.html", "--log-format", "text" }, 0,
	  " if=any dry=1 reports=a.json,b.html log=1" },
	{ { "--dry-run", "--log-format", "text", "--log-format=json" }, 0, " if=any dry=1 log=0" },
	{ { "--dry-run", "-Z", "root" }, 0, " if=any user=root dry=1" },

	/* commands: these answer at once, whatever else is wrong */
	{ { "-h" }, 0, " command=1" },
	{ { "-s1", "--help", "--nonsense" }, 0, " command=1" },
	{ { "-qVy" }, 0, " command=2" },
	{ { "--list-interfaces" }, 0, " command=3" },
	{ { "--dry-run", "--h2", "on", "--h2-heads", "whole" }, 0, " if=any h2=1 h2_heads=1 dry=1" },
	{ { "--dry-run", "--h2=off", "--h2-heads=needed" }, 0, " if=any h2=2 h2_heads=2 dry=1" },
	{ { "--dry-run", "--h2=off", "--h2=auto", "--h2-heads=auto" }, 0, " if=any dry=1" },
	{ { "--list-presets", "--nosuch" }, 0, " command=6" },
	{ { "--check-config", "-f", "tap.conf" }, 0, " command=4 if=any config=tap.conf", "# nothing\n" },
};

/* ---- what is refused ---- */

#define NEEDS_R " is a recording, and was taken for a word of the packet filter; each file needs an -r of its own: -r a.pcap -r " \
		"b.pcap, or for a pattern: $(printf -- '-r %s ' *.pcap)"

static const struct parse_case refused[] = {
	/* brokers */
	{ { "-t", "nats://h" }, -EINVAL,
	  "broker \"nats://h\" names no service; write nats://host:4222/SERVICE, with a name of your own for what "
	  "is handed over" },
	{ { "-t", "a=nats://h/d" }, -EINVAL,
	  "-t: a broker has no NAME=: there is one at most, and what is for one target is not for it; leave the name out" },
	{ { "-t", "nats://h/d", "-t", "nats://h/e" }, -EINVAL,
	  "-t: a second broker; one run hands over to one, and reads from one" },
	{ { "-t", "sink:", "-r", "nats://h/e", "-w", "a.pcapng" }, -EINVAL,
	  "-w, --lanes and --loop are about packets, and what taps hand over through a broker is requests; leave them out" },
	{ { "-t", "sink:", "-r", "nats://h/e", "--lanes", "2" }, -EINVAL,
	  "-w, --lanes and --loop are about packets, and what taps hand over through a broker is requests; leave them out" },
	{ { "--dry-run", "-r", "nats://h/e" }, -EINVAL,
	  "--dry-run takes requests from the replayers of its group, which then send them nowhere; give it a group of its own: "
	  "--group NAME" },
	{ { "-t", "nats://h/d", "-r", "nats://h/e" }, -EINVAL,
	  "-r and -t both name a broker: a run hands requests over, or it takes them; leave one out" },
	{ { "-t", "sink:", "-r", "nats://h/e", "-r", "a.pcap" }, -EINVAL,
	  "-r names a file and a broker; a run reads recordings, or what taps hand over" },
	{ { "-t", "sink:", "-r", "nats://h/e", "-i", "lo" }, -EINVAL,
	  "-i and -r exclude each other: capture live, or read files" },
	{ { "-t", "sink:", "-i", "lo", "--tls-join", "5" }, -EINVAL, "--tls-join tries the secrets of a key log: name it with --keylog" },
	{ { "-t", "sink:", "--tls-join", "16777217" }, -EINVAL, "--tls-join 16777217: out of range, which is 0 to 16777216" },
	{ { "-t", "sink:", "--tls-join", "1M" }, -EINVAL, "--tls-join 1M: not a whole number, such as 100" },
	{ { "-t", "nats://h/d", "-R", "5" }, -EINVAL,
	  "--rate is about sending to a shadow, which here is the replayers' work; give it to them" },
	{ { "-t", "nats://h/d", "-H", "a: b" }, -EINVAL,
	  "--header is about sending to a shadow, which here is the replayers' work; give it to them" },
	{ { "-t", "nats://h/d", "--compare", "--fail-on", "compared < 1" }, -EINVAL,
	  "--fail-on is about comparing answers, which here is the replayers' work; give it to them" },
	{ { "-t", "sink:", "--creds", "f" }, -EINVAL,
	  "--creds is about a broker, and none is named; add -t nats://HOST/SERVICE or -r nats://HOST/SERVICE" },
	{ { "-t", "sink:", "--relay-buffer", "1M" }, -EINVAL,
	  "--relay-buffer is about handing requests over, and no broker is named; add -t nats://HOST/SERVICE" },
	{ { "-t", "nats://h/d", "--group", "g" }, -EINVAL,
	  "--group is about reading what taps hand over; add -r nats://HOST/SERVICE" },
	{ { "-t", "nats://h/d", "--creds", "f", "--nkey", "g" }, -EINVAL,
	  "--creds and --nkey exclude each other: a file of --creds has a key in it" },
	{ { "-t", "nats://h/d", "--relay-name", "a.b" }, -EINVAL,
	  "--relay-name a.b: no name for the broker; write up to 64 letters, digits, - and _" },
	{ { "-t", "nats://h/d", "--partitions", "101" }, -EINVAL,
	  "--partitions 101: out of range, which is 1 to 100" },
	{ { "-t", "sink:", "-r", "nats://h/e", "--from", "yesterday" }, -EINVAL,
	  "--from yesterday: no place to begin; write now, start, how long ago, such as -10m, or a time, such as "
	  "2026-11-28T09:00:00Z" },
	{ { "-r", "nats://h/e" }, -EINVAL,
	  "no target: say where to mirror to, e.g. -t http://127.0.0.1:9000, or -t sink: to try it, or --dry-run" },
	{ { "-t", "sink:", "--stop-when", "caught-up" }, -EINVAL,
	  "--stop-when caught-up is about what a broker has; add -r nats://HOST/SERVICE" },
	{ { "-t", "sink:", "--stop-when", "decided" }, -EINVAL,
	  "--stop-when decided is about comparing answers, and answers are thrown away; add --compare" },
	{ { "-r", "a.pcap", "b.pcap", "--dry-run" }, -EINVAL, "\"b.pcap\"" NEEDS_R },
	{ { "-r", "a.pcap", "tcp", "or", "x/b.pcapng.gz", "c.cap", "--dry-run" }, -EINVAL, "\"x/b.pcapng.gz\"" NEEDS_R },
	{ { "a.cap", "--dry-run" }, -EINVAL, "\"a.cap\"" NEEDS_R },
	{ { "-i", "lo", "/proc/self/cmdline", "--dry-run" }, -EINVAL, "\"/proc/self/cmdline\"" NEEDS_R },
	{ { "-t", "sink:", "--compare", "--dry-run" }, -EINVAL,
	  "--compare and --dry-run exclude each other: what is not sent has no answer; leave one of them out" },
	{ { "-t", "sink:", "--rtol", "1" }, -EINVAL,
	  "--rtol is about comparing answers, and answers are thrown away; add --compare" },
	{ { "-t", "sink:", "--control", "sink:" }, -EINVAL,
	  "--control is about comparing answers, and answers are thrown away; add --compare" },
	{ { "--compare", "--control", "sink:" }, -EINVAL,
	  "no target: say which shadow is to be compared, e.g. -t http://127.0.0.1:9000; --control is only what it is "
	  "measured against" },
	{ { "-t", "control=http://h", "--compare", "--control", "http://i" }, -EINVAL,
	  "--control: given twice, or a target is called \"control\" already; there is one control: leave one out, or give "
	  "the target another name" },
	{ { "-t", "sink:", "--compare", "--control", "c=http://i" }, -EINVAL,
	  "--control: it has a name before the URL, but is always called \"control\"; write --control http://host:port" },
	{ { "-t", "sink:", "--compare", "--rtol", "-1" }, -EINVAL, "--rtol -1: out of range, which is 0 or more" },
	{ { "-t", "sink:", "--compare", "--atol", "nan" }, -EINVAL, "--atol nan: not a number; write 0.001 or 1e-5" },
	{ { "-t", "sink:", "--compare", "--atol", "1e-3x" }, -EINVAL, "--atol 1e-3x: not a number; write 0.001 or 1e-5" },
	{ { "-t", "sink:", "--compare", "--slice-by", "path" }, -EINVAL,
	  "--slice-by path: write header:NAME, such as header:x-tenant; path and model are slices by themselves" },
	{ { "-t", "sink:", "--compare", "--max-answer", "0" }, -EINVAL,
	  "--max-answer 0: out of range, which is 1 to 1G" },
	{ { "-tsink:", "--compare", "--decide-within", "1h" }, -EINVAL,
	  "--decide-within moves the sample between the shares of a ramp; add --ramp, e.g. --ramp 1%..20%/30m" },
	{ { "-tsink:", "--compare", "--ramp=0..1/1", "--keep", "1%" }, -EINVAL,
	  "--keep is the sample once it is decided; add --decide-within TIME" },
	{ { "-tsink:", "--ramp=0..1/1", "--decide-within", "1h" }, -EINVAL,
	  "--decide-within is about comparing answers, and answers are thrown away; add --compare" },
	{ { "--dry-run", "--ramp", "1%..20%" }, -EINVAL, "--ramp 1%..20%: not a ramp; write 1%..20%/30m" },
	{ { "--dry-run", "--ramp", "1%/30m..2%" }, -EINVAL, "--ramp 1%/30m..2%: not a ramp; write 1%..20%/30m" },
	{ { "--dry-run", "--ramp", ".." }, -EINVAL, "--ramp ..: not a ramp; write 1%..20%/30m" },
	{ { "--dry-run", "--ramp", "1%..20%/" }, -EINVAL,
	  "--ramp 1%..20%/: what follows \"/\" is no time; write 30m, 45s or 2h" },
	{ { "--dry-run", "--ramp", "5%..5%/1m" }, -EINVAL,
	  "--ramp 5%..5%/1m: a ramp leads up; write the smaller share first" },
	{ { "--dry-run", "--ramp", "1..20/1m" }, -EINVAL, "--ramp 1..20/1m: a bare number above 1; write 20%" },
	{ { "--dry-run", "--ramp", "0..1/0.5" }, -EINVAL,
	  "--ramp 0..1/0.5: the time is out of range, which is 1s to 8760h" },
	{ { "--dry-run", "--ramp", "0..1/1m", "-S5%" }, -EINVAL,
	  "--ramp and --sample exclude each other: the ramp is what moves the sample; --sample NAME:SHARE, for one "
	  "target, goes with it" },
	{ { "--dry-run", "--max-cpu", "20" }, -EINVAL, "--max-cpu 20: not per cent of a core; write 20%" },
	{ { "--dry-run", "--max-cpu", "-1%" }, -EINVAL, "--max-cpu -1%: not a whole number of per cent; write 20%" },
	{ { "--dry-run", "--max-cpu", "0%" }, -EINVAL,
	  "--max-cpu 0%: out of range, which is 1% to 10000% of one core" },
	{ { "--dry-run", "-rx.pcap", "--max-cpu", "5%" }, -EINVAL,
	  "--max-cpu is for live traffic; a recording is slowed down with -x" },
	{ { NULL }, -EINVAL,
	  "no target: say where to mirror to, e.g. -t http://127.0.0.1:9000, or -t sink: to try it, or --dry-run" },
	/* words of an option that does not exist */
	{ { "--smaple", "5%" }, -EINVAL, "unknown option --smaple; did you mean --sample?" },
	{ { "--samp=5%" }, -EINVAL, "unknown option --samp; did you mean --sample?" },
	{ { "--no-prom" }, -EINVAL, "unknown option --no-prom; did you mean --no-promiscuous?" },
	{ { "--proxy", "x" }, -EINVAL, "unknown option --proxy; --help lists those there are" },
	{ { "--admin", ":9090" }, -EINVAL,
	  "--admin :9090: say on which address: 127.0.0.1:9090 for this machine alone, 0.0.0.0:9090 for every address" },
	{ { "--admin", "127.0.0.1" }, -EINVAL, "--admin 127.0.0.1: there is no port; write 127.0.0.1:9090" },
	{ { "--=x" }, -EINVAL, "unknown option --; --help lists those there are" },
	{ { "-y" }, -EINVAL, "unknown option -y; --help lists those there are" },
	{ { "--dry-run", "--key", "k" }, -EINVAL,
	  "--key is given without the certificate that it belongs to; add --cert FILE" },
	{ { "-j" }, -EINVAL, "unknown option -j; --help lists those there are" },
	{ { "-nyq" }, -EINVAL, "unknown option -y in \"-nyq\"; --help lists those there are" },
	{ { "-dry-run" }, -EINVAL, "unknown option -d in \"-dry-run\"; did you mean --dry-run?" },
	{ { "-\033[2J" }, -EINVAL, "unknown option -? in \"-?[2J\"; --help lists those there are" },
	/* values that are missing, empty or unwanted */
	{ { "-p" }, -EINVAL, "-p needs a value: -p PORT[,PORT...]" },
	{ { "-np" }, -EINVAL, "-p needs a value: -p PORT[,PORT...]" },
	{ { "--target" }, -EINVAL, "--target needs a value: --target [NAME=]URL" },
	{ { "--dry-run", "-o", "" }, -EINVAL, "-o '': the value is empty; give FILE" },
	{ { "-Z", "" }, -EINVAL, "-Z '': the value is empty; give USER" },
	{ { "--dry-run=maybe" }, -EINVAL, "--dry-run=maybe: this is on or off; write yes or no" },
	{ { "--dry-run=" }, -EINVAL, "--dry-run='': this is on or off; write yes or no" },
	{ { "--check-config=no" }, -EINVAL, "--check-config=no: takes no value" },
	/* ports */
	{ { "-p0" }, -EINVAL, "-p 0: port out of range, which is 1 to 65535" },
	{ { "--dry-run", "--decap", "vxlan,foo" }, -EINVAL,
	  "--decap vxlan,foo: no tunnel that shadowtap knows; they are vxlan, geneve, gre, erspan, ipip, mpls, pppoe, gtp, tzsp, fabric" },
	{ { "--dry-run", "--decap", "vxlan," }, -EINVAL,
	  "--decap vxlan,: no tunnel that shadowtap knows; they are vxlan, geneve, gre, erspan, ipip, mpls, pppoe, gtp, tzsp, fabric" },
	{ { "--dry-run", "--decap", "VXLAN" }, -EINVAL,
	  "--decap VXLAN: no tunnel that shadowtap knows; they are vxlan, geneve, gre, erspan, ipip, mpls, pppoe, gtp, tzsp, fabric" },
	{ { "--vxlan-port", "0" }, -EINVAL, "--vxlan-port 0: port out of range, which is 1 to 65535" },
	{ { "-p", "8080,70000" }, -EINVAL, "-p 8080,70000: port out of range, which is 1 to 65535" },
	{ { "-p", "8080," }, -EINVAL, "-p 8080,: not a port number; write 8080, or 8080,8081" },
	{ { "-phttp" }, -EINVAL, "-p http: not a port number; write 8080, or 8080,8081" },
	{ { "-p99999999999999999999999999" }, -EINVAL,
	  "-p 99999999999999999999999999: not a port number; write 8080, or 8080,8081" },
	/* ranges name themselves */
	{ { "-s", "63" }, -EINVAL, "-s 63: out of range, which is 64 to 262144, or 0 for the most" },
	{ { "--snaplen=262145" }, -EINVAL,
	  "--snaplen 262145: out of range, which is 64 to 262144, or 0 for the most" },
	{ { "-B63K" }, -EINVAL, "-B 63K: out of range, which is 64K to 2047M" },
	{ { "-B2G" }, -EINVAL, "-B 2G: out of range, which is 64K to 2047M" },
	{ { "-B64MB" }, -EINVAL, "-B 64MB: not a size; write 65536, 64K, 16M or 1G" },
	{ { "-m", "0" }, -EINVAL, "-m 0: out of range, which is 1ms to 1h" },
	{ { "-m", "300" }, -EINVAL, "-m 300: a bare number above 60; write 300ms or 300s" },
	{ { "--max-time=60.5" }, -EINVAL, "--max-time 60.5: a bare number above 60; write 60.5ms or 60.5s" },
	{ { "--connect-timeout", "9999" }, -EINVAL, "--connect-timeout 9999: a bare number above 60; write 9999ms or 9999s" },
	{ { "-f", "tap.conf" }, -EINVAL, "tap.conf:1: max-time = 61: a bare number above 60; write 61ms or 61s", "max-time = 61\n" },
	{ { "-m", "61m" }, -EINVAL, "-m 61m: out of range, which is 1ms to 1h" },
	{ { "-m", "fast" }, -EINVAL, "-m fast: not a time; write 300ms, 0.3, 5s or 2m" },
	{ { "--streams", "0" }, -EINVAL, "--streams 0: out of range, which is 1 to 65536" },
	{ { "-tsink:", "--http-version", "3" }, -EINVAL, "--http-version 3: no version of HTTP; write same, 1 or 2, for one target NAME:2" },
	{ { "-tsink:", "--http-version", "b:2" }, -EINVAL,
	  "--http-version b:2: no target is called \"b\"; the only one is default; -t NAME=URL names one" },
	{ { "--connections", "0" }, -EINVAL, "--connections 0: out of range, which is 1 to 65536" },
	{ { "--connections", "-1" }, -EINVAL, "--connections -1: not a whole number, such as 100" },
	{ { "--queue", "1048577" }, -EINVAL, "--queue 1048577: out of range, which is 1 to 1048576" },
	{ { "--max-memory", "1023K" }, -EINVAL, "--max-memory 1023K: out of range, which is 1M to 1T" },
	{ { "--max-body", "2G" }, -EINVAL, "--max-body 2G: out of range, which is 1 to 1G" },
	{ { "--breaker", "0" }, -EINVAL, "--breaker 0: out of range, which is 1 to 1000000" },
	{ { "-tsink:", "-R0" }, -EINVAL, "-R 0: out of range, which is 1 to 1000000000" },
	{ { "-c0" }, -EINVAL, "-c 0: out of range, which is 1 or more" },
	{ { "--loop", "4294967296" }, -EINVAL, "--loop 4294967296: out of range, which is 0 to 4294967295" },
	{ { "--stats-every", "10ms" }, -EINVAL, "--stats-every 10ms: out of range, which is 100ms to 24h" },
	{ { "-x0" }, -EINVAL, "-x 0: out of range, which is 0.001 to 1000, or max" },
	{ { "-x", "1001" }, -EINVAL, "-x 1001: out of range, which is 0.001 to 1000, or max" },
	{ { "-x", "-1" }, -EINVAL, "-x -1: not a speed; write 2, 0.5 or max" },
	{ { "-xinf" }, -EINVAL, "-x inf: not a speed; write 2, 0.5 or max" },
	{ { "-x0x10" }, -EINVAL, "-x 0x10: not a speed; write 2, 0.5 or max" },
	{ { "-x1.2.3" }, -EINVAL, "-x 1.2.3: not a speed; write 2, 0.5 or max" },
	/* shares */
	{ { "-S", "10" }, -EINVAL, "-S 10: a bare number above 1; write 10%" },
	{ { "--sample", "1.5" }, -EINVAL, "--sample 1.5: a bare number above 1; write 1.5%" },
	{ { "-S", "101%" }, -EINVAL,
	  "-S 101%: out of range, which is 0% to 100%, or 0 to 1, in steps of 0.0000001%" },
	{ { "-S", "500" }, -EINVAL,
	  "-S 500: out of range, which is 0% to 100%, or 0 to 1, in steps of 0.0000001%" },
	{ { "-S", "half" }, -EINVAL, "-S half: not a share; write 5% or 0.05" },
	{ { "-S", "-5" }, -EINVAL, "-S -5: not a share; write 5% or 0.05" },
	{ { "-tsink:", "-S", "b:5%" }, -EINVAL,
	  "-S b:5%: no target is called \"b\"; the only one is default; -t NAME=URL names one" },
	{ { "--dry-run", "-S", "b:5%" }, -EINVAL, "-S b:5%: no target is called \"b\"; there are none; -t NAME=URL names one" },
	{ { "-ta=sink:", "-tb=sink:", "-S", "b:10" }, -EINVAL, "-S b:10: a bare number above 1; write 10%" },
	{ { "--sample-by", "user" }, -EINVAL,
	  "--sample-by user: write request, connection, client, proxied, id or header:NAME" },
	{ { "--sample-by", "header:" }, -EINVAL,
	  "--sample-by header:: what follows \"header:\" is no header's name; write e.g. header:x-session-id" },
	/* targets */
	{ { "-tsink:", "-tsink:" }, -EINVAL,
	  "-t: two targets are called \"default\"; give each its own name: -t NAME=URL" },
	{ { "-ta=sink:", "-t", "a=http://h" }, -EINVAL,
	  "-t: two targets are called \"a\"; give each its own name: -t NAME=URL" },
	/* headers: never the value */
	{ { "-ta=sink:", "-tb=sink:", "-H", "c:Authorization: Bearer s3cret" }, -EINVAL,
	  "-H 'c: ...': no target is called \"c\"; the targets are a, b; if a header was meant, put a space "
	  "before its value: 'N: V'" },
	{ { "-tsink:", "-H", "c:@file" }, -EINVAL,
	  "-H 'c: ...': no target is called \"c\"; the only one is default; if a header was meant, "
	  "put a space before its value: 'N: V'" },
	{ { "-tsink:", "-H", "@" }, -EINVAL, "-H: no file is named after \"@\"; write e.g. @/etc/shadowtap/token, a file of 'Name: value' lines" },
	{ { "-tsink:", "-H", "@nowhere.txt" }, -ENOENT,
	  "cannot open the file of headers \"nowhere.txt\": No such file or directory; check the path" },
	{ { "-tsink:", "-H", "@empty.txt" }, -EINVAL,
	  "the file of headers \"empty.txt\" has no header in it; write 'Name: value' lines" },
	{ { "--host-header", "http://a" }, -EINVAL,
	  "--host-header http://a: no Host; write target, keep, suffix, or e.g. shadow.example:8080" },
	/* what is told */
	{ { "--report", "a.xml" }, -EINVAL,
	  "--report a.xml: a report's form follows from its suffix: .json, .html and .md; write e.g. report.json" },
	{ { "--report", ".json" }, -EINVAL,
	  "--report .json: a report's form follows from its suffix: .json, .html and .md; write e.g. report.json" },
	{ { "--completion", "tcsh" }, -EINVAL, "--completion tcsh: write bash, zsh or fish" },
	{ { "--traceparent", "keep" }, -EINVAL, "--traceparent keep: write one of: none new" },
	{ { "--h2", "no" }, -EINVAL, "--h2 no: write one of: auto on off" },
	{ { "--h2-heads", "part" }, -EINVAL, "--h2-heads part: write one of: auto whole needed" },
	{ { "--log-format", "xml" }, -EINVAL, "--log-format xml: write json or text" },
	{ { "-Z", "no-such-user" }, -ENOENT, "-Z no-such-user: there is no such user; name one that exists" },
	/* what only the whole tells */
	{ { "--dry-run", "-ilo", "-rx" }, -EINVAL,
	  "-i and -r exclude each other: capture live, or read files" },
	{ { "--dry-run", "--lanes=65" }, -EINVAL, "--lanes 65: out of range, which is 1 to 64" },
	{ { "--dry-run", "--lanes=2", "--decap=vxlan" }, -EINVAL,
	  "--decap and --lanes above 1 exclude each other: the kernel deals tunnelled packets by their outer "
	  "addresses, so the two directions of a connection could come to different lanes; leave --lanes out" },
	{ { "--dry-run", "--lanes=2", "-r-" }, -EINVAL,
	  "each of --lanes reads the recording for itself, but standard input can be read only once; save it first, or "
	  "leave --lanes out" },
	{ { "--dry-run", "-r-", "-r", "-" }, -EINVAL,
	  "-r - is given twice, but standard input can be read only once; leave one out" },
	{ { "--dry-run", "-r-", "--loop=0" }, -EINVAL,
	  "--loop needs a file, standard input can be read only once; save it first" },
	{ { "--dry-run", "-x1" }, -EINVAL,
	  "--speed is for files, live traffic comes when it comes; name one with -r, or leave --speed out" },
	{ { "--dry-run", "-ilo", "--loop=1" }, -EINVAL,
	  "--loop is for files, live traffic comes when it comes; name one with -r, or leave --loop out" },
	{ { "--dry-run", "--max-sleep=1s" }, -EINVAL,
	  "--max-sleep is for files, live traffic comes when it comes; name one with -r, or leave --max-sleep out" },
	{ { "--check-config" }, -EINVAL, "--check-config has nothing to check; name the file with -f" },
	{ { "-f", "nowhere.conf", "--dry-run" }, -ENOENT,
	  "cannot open the config file \"nowhere.conf\": No such file or directory; check the path" },
	{ { "-f", ".", "--dry-run" }, -EISDIR, "cannot read the config file \".\": Is a directory; name a file of text" },
	{ { "-fa", "-fb" }, -EINVAL, "-f is given twice, but there is one config file; put all options into one" },
	{ { "-f", "", "--dry-run" }, -EINVAL, "-f '': the value is empty; give FILE" },
};

/* ---- the config file ---- */

#define WITH_CONFIG "-f", "tap.conf"

static const struct parse_case configs[] = {
	{ { WITH_CONFIG }, 0, " if=eth0 ports=80,81 share=50000000 default->http://h:9 config=tap.conf verbose=2",
	  "# a tap\r\n\r\n  interface=eth0\r\nport = 80\nport\t=\t81 # two\nsample = 5%\ntarget = http://h:9\n"
	  "verbose = yes\nverbose = true" },
	{ { WITH_CONFIG }, 0, " if=any paths=a=b#c dry=1 config=tap.conf", "path = a=b#c # why\ndry-run = yes\n" },
	{ { WITH_CONFIG }, 0, " if=any promiscuous=0 dry=1 config=tap.conf",
	  "dry-run = no\ndry-run = yes\nno-promiscuous = true\nquiet = false\nnumeric = yes\n" },
	/* the command line wins: one value, a whole list, a flag, wherever -f stands */
	{ { "-s100", WITH_CONFIG }, 0, " if=any snaplen=100 dry=1 config=tap.conf", "snaplen=200\ndry-run=yes\n" },
	{ { WITH_CONFIG, "-p1" }, 0, " if=any ports=1 dry=1 config=tap.conf", "port=2,3\nport=4\ndry-run=yes\n" },
	{ { WITH_CONFIG, "-tb=sink:" }, 0, " if=any b->sink:{A: 1} config=tap.conf",
	  "target = a=http://x\ntarget = c=http://y\nheader = A: 1\n" },
	{ { WITH_CONFIG, "-S", "20%" }, 0, " if=any share=200000000 a->sink: config=tap.conf",
	  "target = a=sink:\nsample = 5%\nsample = a:10%\n" },
	{ { WITH_CONFIG, "--dry-run=no", "-tsink:" }, 0, " if=any default->sink: config=tap.conf", "dry-run = yes\n" },
	{ { WITH_CONFIG, "-r", "x", "-xmax" }, 0, " files=x dry=1 speed_max=1 config=tap.conf",
	  "interface = eth0\ndry-run = yes\n" },
	{ { WITH_CONFIG, "-i", "lo" }, 0, " if=lo dry=1 config=tap.conf", "read = x\ndry-run = yes\n" },
	/* a line that the command line overrides is not looked at any further */
	{ { WITH_CONFIG, "-Zroot" }, 0, " if=any user=root dry=1 config=tap.conf",
	  "user = no-such-user\ndry-run = yes\n" },
	/* a target may be named by either; -H in the file may name one of the command line */
	{ { WITH_CONFIG, "-ta=sink:", "-tb=sink:" }, 0, " if=any a->sink: b->sink:{N: v} config=tap.conf",
	  "header = b:N: v\n" },
	{ { "--check-config", WITH_CONFIG }, 0, " command=4 if=any ports=1 config=tap.conf", "port = 1\n" },

	{ { WITH_CONFIG }, -EINVAL, "tap.conf:3: unknown option \"smaple\"; did you mean sample?",
	  "# one\n\nsmaple = 5%\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: unknown option \"\"; --help lists those there are", "= 5%\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: unknown option \"p\"; --help lists those there are", "p = 80\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: unknown option \"?[2J\"; --help lists those there are",
	  "\033[2J = 80\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:2: sample = 10: a bare number above 1; write 10%",
	  "dry-run = yes\nsample = 10\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: dry-run = maybe: this is on or off; write yes or no",
	  "dry-run = maybe\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: \"dry-run\" has no value; write: dry-run = yes", "dry-run\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: \"dry-run\" has no value; write: dry-run = yes", "dry-run =\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: there is no \"=\" in this line; write: port = 80", "port 80\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: \"port\" has no value; write: port = PORT[,PORT...]", "port\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: port = '': the value is empty; give PORT[,PORT...]",
	  "port = # 80\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: \"config\" belongs on the command line, not in a config file",
	  "config = other.conf\n" },
	{ { WITH_CONFIG }, -EINVAL, "tap.conf:1: \"help\" belongs on the command line, not in a config file",
	  "help = yes\n" },
	{ { WITH_CONFIG, "-tsink:" }, -EINVAL,
	  "tap.conf:1: header = 'b: ...': no target is called \"b\"; the only one is default; if a header was meant, "
	  "put a space before its value: 'N: V'",
	  "header = b:Cookie: s3cret\n" },
	{ { WITH_CONFIG, "--dry-run" }, -EINVAL,
	  "--speed is for files, live traffic comes when it comes; name one with -r, or leave --speed out",
	  "speed = max\n" },
	{ { WITH_CONFIG, "--dry-run" }, -EINVAL, "-i and -r exclude each other: capture live, or read files",
	  "interface = lo\nread = x\n" },
};

/* ---- running the cases ---- */

static void write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(close(fd), 0);
}

static void write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static int parse_args(const char *const *args, struct options *o, struct buffer *error)
{
	char *argv[ARGS_MAX + 2] = { (char[]){ "shadowtap" } };
	int argc = 1, rc;

	/* Copies that are gone before the options are looked at: what they keep must be their own. */
	for (; argc <= ARGS_MAX && args[argc - 1]; argc++)
		assert_non_null(argv[argc] = strdup(args[argc - 1]));
	rc = options_parse(argc, argv, o, error);
	while (--argc > 0) {
		memset(argv[argc], 'X', strlen(argv[argc]));
		free(argv[argc]);
	}
	return rc;
}

static void run_case(const struct parse_case *c)
{
	struct buffer got = { 0 };
	struct options o;
	int rc;

	if (c->config)
		write_text("tap.conf", c->config);
	rc = parse_args(c->argv, &o, &got);
	if (rc == 0) {
		assert_int_equal(got.len, 0);
		show(&o, &got);
		options_deinit(&o);
	}
	if (rc != c->rc || strcmp(buffer_text(&got), c->expected) != 0)
		print_message("case \"%s\": %d\n", c->argv[0] ? c->argv[0] : "", rc);
	assert_string_equal(buffer_text(&got), c->expected);
	assert_int_equal(rc, c->rc);
	buffer_deinit(&got);
}

#define RUN(table)                                                                                           \
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)                                        \
	run_case(&table[i])

static void test_accepted(void **state)
{
	RUN(accepted);
}

static void test_refused(void **state)
{
	RUN(refused);
}

static void test_configs(void **state)
{
	RUN(configs);
}

static void test_config_is_no_text(void **state)
{
	static char large[1024 * 1024 + 1];
	static const struct parse_case cases[] = {
		{ { "-f", "nul.conf" }, -EILSEQ, "the config file \"nul.conf\" contains a NUL byte, so it is no text file; name the right one" },
		{ { "-f", "large.conf" }, -EFBIG,
		  "the config file \"large.conf\" is longer than 1M: is it the right file?" },
		/* a megabyte to the byte is read, and its one line that counts found */
		{ { "-f", "full.conf" }, 0, " if=any dry=1 config=full.conf" },
	};

	memset(large, '\n', sizeof(large));
	memcpy(large, "dry-run = yes\n", 14);
	write_file("nul.conf", "dry-run = yes\n", sizeof("dry-run = yes\n"));
	write_file("large.conf", large, sizeof(large));
	write_file("full.conf", large, sizeof(large) - 1);
	RUN(cases);
}

/* What url.c says is kept, with the line in front; the words are its own test's. */
static void test_bad_target(void **state)
{
	const char *line[] = { "-t", "127.0.0.1:9000", NULL }, *file[] = { "-f", "tap.conf", NULL };
	struct buffer from_line = { 0 }, from_file = { 0 };
	struct options o;

	write_text("tap.conf", "\ntarget = 127.0.0.1:9000\n");
	assert_int_equal(parse_args(line, &o, &from_line), -EINVAL);
	assert_int_equal(parse_args(file, &o, &from_file), -EINVAL);
	assert_true(from_line.len > 20);
	assert_memory_equal(buffer_text(&from_file), "tap.conf:2: ", 12);
	assert_string_equal(buffer_text(&from_file) + 12, buffer_text(&from_line));
	buffer_deinit(&from_line);
	buffer_deinit(&from_file);
}

static void test_limits(void **state)
{
	char *argv[PORTS_MAX + 3] = { (char[]){ "shadowtap" } }, text[PORTS_MAX + 2][24];
	struct buffer error = { 0 };
	struct options o;

	for (int i = 0; i < PORTS_MAX + 1; i++) {
		snprintf(text[i], sizeof(text[i]), "-p%d", i + 1);
		argv[i + 1] = text[i];
	}
	assert_int_equal(options_parse(PORTS_MAX + 2, argv, &o, &error), -EINVAL);
	assert_string_equal(buffer_text(&error), "-p 65: too many ports, the most is 64; without -p every port is looked at");
	buffer_clear(&error);
	for (int i = 0; i < TARGETS_MAX + 1; i++)
		snprintf(text[i], sizeof(text[i]), "-tn%d=sink:", i);
	assert_int_equal(options_parse(TARGETS_MAX + 2, argv, &o, &error), -EINVAL);
	assert_string_equal(buffer_text(&error), "-t: too many targets, the most is 16; start a second shadowtap for the others");
	buffer_clear(&error);
	assert_int_equal(options_parse(TARGETS_MAX + 1, argv, &o, &error), 0);
	assert_int_equal(o.target_count, TARGETS_MAX);
	assert_string_equal(o.targets[15].url.name, "n15");
	options_deinit(&o);
	buffer_deinit(&error);
}

static void test_user_of_root(void **state)
{
	const char *args[] = { "--dry-run", NULL };
	struct buffer error = { 0 };
	struct options o;

	assert_int_equal(parse_args(args, &o, &error), 0);
	if (geteuid() == 0)
		assert_string_equal(o.user, "nobody");
	else
		assert_null(o.user);
	options_deinit(&o);
}

/* What a shell offers is accepted; "header:" waits for a name. */
static void check_choice(const struct option_row *row, const char *choice)
{
	char option[96];
	bool is_broker = row->broker == BROKER_SOURCE || strcmp(choice, "caught-up") == 0;
	bool compares = row->compare_only || strcmp(choice, "decided") == 0;
	const char *args[] = { option, compares ? "--compare" : is_broker ? "-v" : "--dry-run", compares || is_broker ? "-tsink:" : "-v",
			       row->files_only || is_broker ? "-r" : NULL, is_broker ? "nats://h/d" : "-", NULL };
	struct buffer error = { 0 };
	struct options o;

	snprintf(option, sizeof(option), "--%s=%s%s", row->name, choice,
		 choice[strlen(choice) - 1] == ':' ? "x-session-id" : "");
	if (parse_args(args, &o, &error) < 0)
		fail_msg("%s: %s", option, buffer_text(&error));
	options_deinit(&o);
	buffer_deinit(&error);
}

static void test_choices(void **state)
{
	size_t rows = 0;

	for (size_t i = 0; i < option_row_count; i++) {
		char *words = option_rows[i].choices ? strdup(option_rows[i].choices) : NULL, *save = NULL;

		rows += words != NULL;
		for (char *word = words ? strtok_r(words, " ", &save) : NULL; word; word = strtok_r(NULL, " ", &save))
			check_choice(&option_rows[i], word);
		free(words);
	}
	assert_true(rows >= 7);
}

/* ---- a directory of our own ---- */

static char directory[] = "/tmp/test_options.XXXXXX";

static int enter_directory(void **state)
{
	if (!mkdtemp(directory) || chdir(directory) < 0)
		return -1;
	write_text("secret.txt", "# for the shadow\n\n  Authorization: Bearer a#b =\r\nX-Two: 2 # two\n");
	write_text("empty.txt", "\n# nothing yet\n");
	return 0;
}

static int leave_directory(void **state)
{
	static const char *const files[] = { "secret.txt", "empty.txt", "tap.conf", "nul.conf", "large.conf", "full.conf" };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	return chdir("/") < 0 ? -1 : rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_configs),      cmocka_unit_test(test_config_is_no_text),
		cmocka_unit_test(test_bad_target),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_user_of_root), cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
