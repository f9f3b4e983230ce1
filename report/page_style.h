/*
 * page_style.h - how the page looks: the styles, as one text
 */
#ifndef REPORT_PAGE_STYLE_H
#define REPORT_PAGE_STYLE_H

extern const char markup_style[];

#endif
