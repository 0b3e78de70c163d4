/* SPDX-License-Identifier: MIT */
/* example_round.c - one EAGLE round by its four calls: draft, score, verify, commit.
 *
 *   example_round MODEL HEAD       the model has a token that begins a text */
#include <eagle/eagle.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    eagle_error err = {EAGLE_OK, ""};
    eagle_model *model = NULL;
    eagle_head *head = NULL;
    eagle_drafter *drafter = NULL;
    eagle_session *s = NULL;
    eagle_session_options opt;
    const eagle_path *first;
    const eagle_tree *tree;
    eagle_rows rows;

    if (argc != 3) {
        return eagle_exit_code(EAGLE_EINVAL);
    }
    eagle_session_defaults(&opt);
    if (eagle_model_open(&model, argv[1], &err) || /* EAGLE_OK is 0 */
        eagle_head_open(&head, model, argv[2], &err) ||
        eagle_drafter_dynamic(&drafter, head, 5, 4, 7, &err) ||
        eagle_session_create(&s, model, drafter, &opt, &err) ||
        eagle_session_feed(NULL, s, &eagle_model_config(model)->bos, 1, &err) ||
        eagle_session_step(&first, s, &err)) {
        goto done;
    }
    eagle_path *path = eagle_session_path(s);
    const eagle_draws *draws = eagle_session_draws(s);

    /* The round. Between two calls everything may be read, or replaced by something of your own. */
    if (eagle_session_draft(&tree, s, draws, &err) || eagle_session_score(&rows, s, tree, &err) ||
        eagle_verify(path, tree, &rows, eagle_session_sampling(s), draws, &err) ||
        eagle_session_commit(s, path, &err)) {
        goto done;
    }
    printf("root %d, %d drafted, %d accepted:", tree->token[0], tree->n_verify - 1, path->n - 1);
    for (int32_t i = 0; i < path->n; i++) {
        printf(" %d", path->token[i]);
    }
    printf("\n");

done:
    if (err.code != EAGLE_OK) {
        fprintf(stderr, "%s\n", err.message);
    }
    eagle_session_free(s);
    eagle_drafter_free(drafter);
    eagle_head_free(head);
    eagle_model_free(model);
    return eagle_exit_code(err.code);
}
