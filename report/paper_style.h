/*
 * paper_style.h - how the page looks: the styles, as one text
 */
#ifndef REPORT_PAPER_STYLE_H
#define REPORT_PAPER_STYLE_H

extern const char markup_style[];

#endif
