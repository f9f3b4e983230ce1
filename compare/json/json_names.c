/* json_names.c - see json_names.h */
#include "compare/json/json_names.h"

#define LABEL_NAMES(X)                                                                                         \
	X("label")                                                                                             \
	X("class") X("class_name") X("predicted_class") X("predicted_label") X("prediction") X("index")
#define SCORE_NAMES(X) X("score") X("probability") X("confidence") X("prob") X("relevance_score")
#define VECTOR_NAMES(X) X("probabilities") X("scores") X("probs") X("logits") X("confidences")
#define CLASSES_NAMES(X) X("labels") X("classes") X("class_names")

#define ROW(s) { (const uint8_t *)(s), sizeof(s) - 1 },
#define NAMES(list) { (const struct span[]){ list(ROW) }, sizeof((const struct span[]){ list(ROW) }) / sizeof(struct span) }

const struct json_names json_label_names = NAMES(LABEL_NAMES);
const struct json_names json_score_names = NAMES(SCORE_NAMES);
const struct json_names json_vector_names = NAMES(VECTOR_NAMES);
const struct json_names json_classes_names = NAMES(CLASSES_NAMES);

uint32_t json_named(const struct json_doc *d, uint32_t object, const struct json_names *names)
{
	if (d->nodes[object].type != JSON_OBJECT)
		return NODE_NONE;
	for (size_t i = 0; i < names->count; i++) {
		uint32_t node = json_doc_member(d, object, names->at[i]);

		if (node)
			return node;
	}
	return NODE_NONE;
}
