/* http_version.h - the version of HTTP that a target is spoken to in (--http-version) */
#ifndef REPLAY_HTTP_VERSION_H
#define REPLAY_HTTP_VERSION_H

/** enum http_version - in which protocol requests go out */
enum http_version {
	HTTP_VERSION_SAME, /* as they came */
	HTTP_VERSION_1,
	HTTP_VERSION_2,
};

#endif
