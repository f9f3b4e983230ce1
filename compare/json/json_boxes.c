/*
 * json_boxes.c - detections that a rule compares as a whole, in two documents
 *
 * Three forms of one image's boxes are known:
 *
 *   [{"label": "cat", "score": 0.9, "box": {"xmin": 1, ...}}]            Hugging Face; Ultralytics has name, confidence, x1
 *   [{"cat": [1, 2, 3, 4], "score": 0.9}]                                TorchServe
 *   {"detection_boxes": [[...]], "detection_scores": [...], "detection_classes": [...]}   TensorFlow
 *
 * Boxes below the rule's score are left out of both. What is in no such form, or has more boxes than are matched, is
 * compared value by value.
 */
#include "compare/json/json_decision_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/** struct boxes - of one side */
struct boxes {
	struct box at[BOXES_MAX];
	size_t count;
};

/** add_box() - unless its score is too low; false: there is no room, or it has numbers that are not finite */
static bool add_box(struct boxes *out, const struct box *b, double least_score)
{
	for (int i = 0; i < 4; i++)
		if (!isfinite(b->corner[i]))
			return false;
	if (!isfinite(b->score))
		return false;
	if (b->score < least_score)
		return true;
	if (out->count == BOXES_MAX)
		return false;
	out->at[out->count++] = *b;
	return true;
}

static bool is_corners(const struct json_doc *d, uint32_t node)
{
	return d->nodes[node].type == JSON_ARRAY && d->nodes[node].count == 4 && json_all_of_type(d, node, JSON_NUMBER);
}

static void take_corners(const struct json_doc *d, uint32_t array, struct box *out)
{
	for (uint32_t i = 0; i < 4; i++)
		out->corner[i] = json_score(d, array + 1 + i);
}

/** take_named() - a box as an object, its corners by one set of names */
static bool take_named(const struct json_doc *d, uint32_t object, const struct span names[4], struct box *out)
{
	for (int i = 0; i < 4; i++) {
		uint32_t at = json_doc_member(d, object, names[i]);

		if (!at || d->nodes[at].type != JSON_NUMBER)
			return false;
		out->corner[i] = json_score(d, at);
	}
	return true;
}

static bool take_box(const struct json_doc *d, uint32_t node, struct box *out)
{
	static const struct span words[] = { SPAN_LITERAL("xmin"), SPAN_LITERAL("ymin"), SPAN_LITERAL("xmax"), SPAN_LITERAL("ymax") },
				 numbers[] = { SPAN_LITERAL("x1"), SPAN_LITERAL("y1"), SPAN_LITERAL("x2"), SPAN_LITERAL("y2") };

	return d->nodes[node].type == JSON_OBJECT && (take_named(d, node, words, out) || take_named(d, node, numbers, out));
}

/** class_of() - of a label: what a text says, or the value of a number, whatever its spelling */
static uint64_t class_of(struct json_comparer *jc, const struct json_doc *d, uint32_t node)
{
	double value = json_score(d, node);
	uint64_t bits;

	if (d->nodes[node].type != JSON_NUMBER)
		return json_text_hash(jc, d, node);
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/** take_item() - a detection as an object; false: it is none */
static bool take_item(struct json_comparer *jc, const struct json_doc *d, uint32_t item, struct box *out)
{
	static const struct span names[] = { SPAN_LITERAL("label"), SPAN_LITERAL("name"), SPAN_LITERAL("class_name"),
					     SPAN_LITERAL("class") };
	uint32_t score = json_named(d, item, &json_score_names), box, label = 0;

	if (d->nodes[item].type != JSON_OBJECT || score == NODE_NONE || d->nodes[score].type != JSON_NUMBER)
		return false;
	out->score = json_score(d, score);
	box = json_doc_member(d, item, NAME("box"));
	if (box) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !label; i++)
			label = json_doc_member(d, item, names[i]);
		out->class = label ? class_of(jc, d, label) : 0;
		return take_box(d, box, out);
	}
	for (uint32_t i = item + 1; i < d->nodes[item].next; i = d->nodes[i + 1].next)
		if (is_corners(d, i + 1)) {
			out->class = json_text_hash(jc, d, i);
			take_corners(d, i + 1, out);
			return true;
		}
	return false;
}

static bool take_items(struct json_comparer *jc, const struct json_doc *d, uint32_t array, double least_score, struct boxes *out)
{
	for (uint32_t i = array + 1; i < d->nodes[array].next; i = d->nodes[i].next) {
		struct box b = { 0 };

		if (!take_item(jc, d, i, &b) || !add_box(out, &b, least_score))
			return false;
	}
	return true;
}

static uint32_t numbers_of(const struct json_doc *d, uint32_t object, struct span name)
{
	uint32_t at = json_doc_member(d, object, name);

	return at && d->nodes[at].type == JSON_ARRAY && (d->nodes[at].count == 0 || json_all_of_type(d, at, JSON_NUMBER)) ? at : 0;
}

/** take_columns() - TensorFlow's form; without classes all are of one */
static bool take_columns(const struct json_doc *d, uint32_t object, double least_score, struct boxes *out)
{
	uint32_t boxes = json_doc_member(d, object, NAME("detection_boxes")), at = boxes + 1;
	uint32_t scores = numbers_of(d, object, NAME("detection_scores")), classes = numbers_of(d, object, NAME("detection_classes"));
	uint32_t count;

	if (!boxes || !scores || d->nodes[boxes].type != JSON_ARRAY)
		return false;
	count = d->nodes[boxes].count;
	if (d->nodes[scores].count != count || (classes && d->nodes[classes].count != count))
		return false;
	for (uint32_t i = 0; i < count; i++, at = d->nodes[at].next) {
		struct box b = { .score = json_score(d, scores + 1 + i) };
		double class = classes ? json_score(d, classes + 1 + i) : 0;

		if (!is_corners(d, at))
			return false;
		memcpy(&b.class, &class, sizeof(class));
		take_corners(d, at, &b);
		if (!add_box(out, &b, least_score))
			return false;
	}
	return true;
}

static bool take(struct json_comparer *jc, const struct json_doc *d, uint32_t node, double least_score, struct boxes *out)
{
	out->count = 0;
	if (d->nodes[node].type == JSON_ARRAY)
		return take_items(jc, d, node, least_score, out);
	return d->nodes[node].type == JSON_OBJECT && take_columns(d, node, least_score, out);
}

static void show(struct finding *f, const struct boxes_result *r)
{
	char text[FINDING_TEXT];
	int len = snprintf(text, sizeof(text), "%" PRIu64 " boxes", r->production);

	finding_text(f->production, span_of(text, (size_t)len));
	len = snprintf(text, sizeof(text), "%" PRIu64 " boxes: %" PRIu64 " the same, %" PRIu64 " of another class", r->shadow, r->matched,
		       r->flips);
	finding_text(f->shadow, span_of(text, (size_t)len));
}

bool json_boxes(struct json_comparer *jc, const struct output_rule *rule, uint32_t a, uint32_t b)
{
	struct boxes production, shadow;
	struct boxes_result r;
	struct finding *f;
	bool agrees;

	if (!take(jc, jc->a, a, rule->score, &production) || !take(jc, jc->b, b, rule->score, &shadow))
		return false;
	r = boxes_match(production.at, production.count, shadow.at, shadow.count, rule->least);
	agrees = r.matched == r.production && r.matched == r.shadow;
	boxes_figures_add(&collector_outputs(jc->out)->sum.boxes, &r, agrees);
	collector_judged(jc->out, agrees);
	if (json_same_value(jc, jc->a, a, jc->b, b))
		return true;
	f = collector_output(jc->out, agrees ? DIFFERENCE_CLOSE : DIFFERENCE_DECISION, OUTPUT_BOXES,
			     (double)(r.production + r.shadow - 2 * r.matched));
	if (f)
		show(f, &r);
	return true;
}
