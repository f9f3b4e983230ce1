/*
 * diagnosis_capture.c - can packets be had, do any pass the options' filters, and can they be read?
 */
#include "report/diagnosis_impl.h"

#include "base/clock.h"
#include "report/format.h"
#include "report/unread.h"

#define CLOCK_OFF_NS    (2 * NS_PER_S)
#define CLOCK_BACK_NS   NS_PER_S
#define UNREAD_HANDFUL  5 /* packets: fewer are not worth a word */
#define UNREAD_SAID_MAX 3 /* kinds */

/* ---- can packets be had? ---- */

static bool capture_fails(const struct symptoms *s, struct diagnosis *d)
{
	if (!s->cannot_capture)
		return false;
	line_say(diagnosis_add(d, FINDING_FAULT, "capture"), "%s", s->cannot_capture);
	return true;
}

static bool sandbox_fails(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (!s->sandbox_fails)
		return false;
	line = diagnosis_add(d, FINDING_FAULT, "sandbox");
	line_say(line, "%s", s->sandbox_fails);
	line_advise(line, "report this with the output of shadowtap -V; --no-sandbox runs without the sandbox meanwhile");
	return true;
}

static bool nothing_passes(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (s->wide.packets > 0)
		return false;
	line = diagnosis_add(d, FINDING_FAULT, "no_packets");
	if (s->live) {
		line_say(line, "No packet passed in %.1f s.", s->seconds);
		line_advise(line, "%s; send some requests while the doctor watches, or watch for longer: --duration 30s",
			    s->any_interface ? "is there traffic now?" : "is this the interface that the service's traffic uses? -i any sees all");
	} else {
		line_say(line, "The recording holds no packets.");
		line_advise(line, "record again, e.g. tcpdump -i any -s 0 -w FILE port 8080");
	}
	return true;
}

/* ---- what cannot be read ---- */

/* "72 of 80 packets have ethertype 0x88e5 (MACsec)", and what to do about it */
static void name_unread(const struct symptoms *s, struct diagnosis_line *line, const struct unread_share *share)
{
	format_count(&line->text, share->packets);
	line_say(line, " of ");
	line_count(line, s->wide.packets, "packet");
	line_say(line, " ha%s ", share->packets == 1 ? "s" : "ve");
	unread_name(share->what, &line->text);
}

/** nothing_readable() - packets pass, and none of them could be read, whatever is asked for */
static bool nothing_readable(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (s->wide.segments > 0 || s->wide.unread[0].packets == 0)
		return false;
	line = diagnosis_add(d, FINDING_FAULT, "unread");
	line_count(line, s->wide.packets, "packet");
	line_say(line, " passed, and none of them holds TCP that could be read: ");
	name_unread(s, line, &s->wide.unread[0]);
	line_say(line, ".");
	unread_advise(s->wide.unread[0].what, s->vxlan_ports, s->vxlan_port_count, &line->remedy);
	return true;
}

/** partly_readable() - a tenth of the packets is of a kind that may hide connections: where none is left, those that are missed */
static void partly_readable(const struct symptoms *s, struct diagnosis *d)
{
	size_t said = 0;

	for (size_t i = 0; i < UNREAD_MAX && said < UNREAD_SAID_MAX; i++) {
		const struct unread_share *share = &s->wide.unread[i];
		struct diagnosis_line *line;

		if (share->packets <= UNREAD_HANDFUL || share->packets < s->wide.packets / 10 || !unread_hides(share->what))
			continue;
		line = diagnosis_add(d, s->narrow.segments == 0 ? FINDING_FAULT : FINDING_WARNING, "unread");
		name_unread(s, line, share);
		line_say(line, " and could not be read; requests in them are missed.");
		unread_advise(share->what, s->vxlan_ports, s->vxlan_port_count, &line->remedy);
		said++;
	}
}

/** shut_out() - packets pass, and the filters of the options let none of them through */
static bool shut_out(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;
	const struct port_view *best = ports_busiest(&s->wide, port_requests);

	if (s->narrow.segments > 0)
		return false;
	line = diagnosis_add(d, FINDING_FAULT, "filter");
	line_count(line, s->wide.packets, "packet");
	line_say(line, " passed, and none of them ");
	if (s->ports)
		line_say(line, "belongs to a TCP connection on port %s", s->ports);
	else
		line_say(line, "is of a TCP connection that could be read");
	line_say(line, "%s%s%s.", s->expression ? " and matches \"" : "", s->expression ? s->expression : "", s->expression ? "\"" : "");
	if (best) {
		line_say(line, " HTTP requests are seen on port ");
		ports_list(&line->text, &s->wide, port_requests);
		line_say(line, ".");
	}
	if (best && !symptoms_names_port(s, best->port))
		line_advise(line, "-p %u%s", best->port, s->expression ? ", or another filter expression" : "");
	else if (best && s->expression)
		line_advise(line, "another filter expression: it is about the outermost packet, and the port is right");
	else if (!best && s->ports)
		line_advise(line, "check the port that the service listens on (ss -ltn), and the interface: -i any sees all");
	return true;
}

static void tunnels(const struct symptoms *s, struct diagnosis *d)
{
	for (size_t i = 0; i < VIEW_TUNNELS; i++) {
		struct diagnosis_line *line;

		if (s->wide.hidden[i] == 0)
			continue;
		line = diagnosis_add(d, s->narrow.books.requests.seen == 0 ? FINDING_FAULT : FINDING_WARNING, "tunnel");
		line_count(line, s->wide.hidden[i], "packet");
		line_say(line, " in %s tunnels passed, which the kernel's filter keeps out.", s->tunnel_names[i]);
		line_advise(line, "--decap %s", s->tunnel_names[i]);
	}
}

static void clocks(const struct symptoms *s, struct diagnosis *d)
{
	struct diagnosis_line *line;

	if (s->live && s->wide.clock_off_ns > CLOCK_OFF_NS) {
		line = diagnosis_add(d, FINDING_WARNING, "clock");
		line_say(line, "Packets carry times up to %.1f s away from this machine's clock.", (double)s->wide.clock_off_ns / (double)NS_PER_S);
		line_advise(line, "check the clock (timedatectl) and the interface's hardware timestamps");
	} else if (!s->live && s->wide.clock_back_ns > CLOCK_BACK_NS) {
		line = diagnosis_add(d, FINDING_WARNING, "clock");
		line_say(line, "The recording's time steps back by up to %.1f s.", (double)s->wide.clock_back_ns / (double)NS_PER_S);
		line_advise(line, "merge parts in their order (several -r are merged by time)");
	}
}

bool diagnose_capture(const struct symptoms *s, struct diagnosis *d)
{
	bool blind = capture_fails(s, d);

	if (sandbox_fails(s, d) || blind || nothing_passes(s, d))
		return false;
	tunnels(s, d);
	clocks(s, d);
	if (nothing_readable(s, d))
		return false;
	partly_readable(s, d);
	return !shut_out(s, d);
}
