/* SPDX-License-Identifier: MIT */
/* train_log.c - how a training goes.
 *
 * Lines of the log are JSON objects. Of a step: step, epoch, tokens, loss, token_loss, feature_loss
 * (heads), right, grad_norm, lr, seconds. Of a validation: step, val_loss, val_token_loss,
 * val_feature_loss (heads), val_right, val_nats_per_byte (targets), acceptance, acceptance_low,
 * acceptance_high (heads). A training that goes on appends; a step that stands there twice was lost
 * the first time. */
#include "cli/train_log.h"

#include "cli/bench.h"
#include "cli/messages.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LINES 2000 /* of a log about steps, at most: more show nothing in a plot */

const char *eg_duration(char text[EG_DURATION_TEXT], double seconds)
{
    const long long whole = (long long)(seconds + 0.5);

    if (seconds < 60.0) {
        snprintf(text, EG_DURATION_TEXT, "%.1f s", seconds);
    } else if (whole < 3600) {
        snprintf(text, EG_DURATION_TEXT, "%lld min %lld s", whole / 60, whole % 60);
    } else {
        snprintf(text, EG_DURATION_TEXT, "%lld h %lld min", whole / 3600, whole % 3600 / 60);
    }
    return text;
}

/* Seconds of this run that steps took. */
static double seconds_of_steps(const eg_train_run *t)
{
    return eagle_clock() - t->begun - t->paused;
}

static bool is_head(const eg_train_run *t)
{
    return t->judge != NULL || t->opt->model != NULL;
}

/* ---- the file ---------------------------------------------------------------------------- */

eagle_status eg_train_log_open(eg_train_run *t, eagle_error *err)
{
    const char *path = t->opt->log;

    if (path == NULL) {
        return EAGLE_OK;
    }
    t->log = fopen(path, t->opt->resume ? "ab" : "wb");
    if (t->log == NULL) {
        return eg_cli_fail(err, EAGLE_EWRITE, "%s: %s", path, strerror(errno));
    }
    return EAGLE_OK;
}

/* Writes a line, which it releases. */
static eagle_status put_line(const eg_train_run *t, json_t *line, eagle_error *err)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));
    eagle_status st = EAGLE_OK;

    json_decref(line);
    if (text == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "%s: no memory for a line", t->opt->log);
    }
    if (fprintf(t->log, "%s\n", text) < 0 || fflush(t->log) != 0) {
        st = eg_cli_fail(err, EAGLE_EWRITE, "%s: %s", t->opt->log, strerror(errno));
    }
    free(text);
    return st;
}

static json_t *step_line(const eg_train_run *t)
{
    const eagle_train_report *r = &t->last;
    json_t *out = json_pack("{s:I, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "step",
                            (json_int_t)r->step, "epoch", r->epoch, "tokens", (json_int_t)r->tokens,
                            "loss", r->loss, "token_loss", r->token_loss, "right", r->right,
                            "grad_norm", r->grad_norm, "lr", r->lr, "seconds", seconds_of_steps(t));

    if (is_head(t)) {
        json_object_set_new(out, "feature_loss", json_real(r->feature_loss));
    }
    return out;
}

/* ---- a step ------------------------------------------------------------------------------ */

static void show_step(eg_train_run *t)
{
    const eagle_train_report *r = &t->last;
    const double seconds = seconds_of_steps(t);
    const int64_t done = r->step - t->first_step;
    const int64_t left = t->opt->train.steps - r->step;
    const double a_step = seconds / (double)done;
    char parts[64] = "";
    char eta[EG_DURATION_TEXT];
    char line[256];

    if (is_head(t)) {
        snprintf(parts, sizeof parts, " (features %.4f, tokens %.3f)", r->feature_loss,
                 r->token_loss);
    }
    snprintf(line, sizeof line,
             "step %" PRId64 "/%" PRId64 ", loss %.4f%s, %.1f %% right, %.0f tokens/s, %s left",
             r->step, t->opt->train.steps, r->loss, parts, 100.0 * r->right,
             (double)r->tokens / (double)r->step / a_step, eg_duration(eta, a_step * (double)left));
    eg_progress_update(&t->progress, line, 0, 0);
}

eagle_status eg_train_log_step(eg_train_run *t, eagle_error *err)
{
    const int64_t steps = t->opt->train.steps;
    const int64_t every = steps <= LINES ? 1 : (steps + LINES - 1) / LINES;

    show_step(t);
    if (t->log == NULL || (t->last.step % every != 0 && t->last.step != steps)) {
        return EAGLE_OK;
    }
    return put_line(t, step_line(t), err);
}

/* ---- a validation ------------------------------------------------------------------------ */

/* Nats per byte of the texts held out; 0 where they are no text. */
static double per_byte(const eg_train_run *t)
{
    return t->held_out_bytes > 0 ? t->validation.token_loss * (double)t->validation.learned /
                                       (double)t->held_out_bytes
                                 : 0.0;
}

static eagle_status log_judgement(eg_train_run *t, const eagle_interval *length, eagle_error *err)
{
    const eagle_train_report *r = &t->validation;
    json_t *line = json_pack("{s:I}", "step", (json_int_t)eagle_trainer_steps(t->trainer));

    if (t->texts->held_out != NULL) {
        json_object_set_new(line, "val_loss", json_real(r->loss));
        json_object_set_new(line, "val_token_loss", json_real(r->token_loss));
        json_object_set_new(line, "val_right", json_real(r->right));
    }
    if (t->texts->held_out != NULL && is_head(t)) {
        json_object_set_new(line, "val_feature_loss", json_real(r->feature_loss));
    } else if (t->held_out_bytes > 0) {
        json_object_set_new(line, "val_nats_per_byte", json_real(per_byte(t)));
    }
    if (length != NULL) {
        json_object_set_new(line, "acceptance", json_real(length->mean));
        json_object_set_new(line, "acceptance_low", json_real(length->low));
        json_object_set_new(line, "acceptance_high", json_real(length->high));
    }
    return put_line(t, line, err);
}

/* "held out: ..." into text. */
static void describe_held_out(char *text, size_t size, const eg_train_run *t)
{
    const eagle_train_report *r = &t->validation;
    int n = snprintf(text, size, "held out: %.4f nats per token", r->token_loss);

    if (is_head(t)) {
        n += snprintf(text + n, size - (size_t)n, ", features %.4f", r->feature_loss);
    } else if (t->held_out_bytes > 0) {
        n += snprintf(text + n, size - (size_t)n, ", %.4f per byte", per_byte(t));
    }
    snprintf(text + n, size - (size_t)n, ", %.1f %% right", 100.0 * r->right);
}

eagle_status eg_train_log_judgement(eg_train_run *t, const eagle_interval *length, eagle_error *err)
{
    char held_out[160] = "";
    char accepted[96] = "";

    if (t->texts->held_out != NULL) {
        describe_held_out(held_out, sizeof held_out, t);
    }
    if (length != NULL) {
        snprintf(accepted, sizeof accepted, "%sacceptance length %.3f (%.3f to %.3f)%s",
                 held_out[0] != '\0' ? "; " : "", length->mean, length->low, length->high,
                 t->best.step == t->best.judged ? ", the best so far" : "");
    }
    if (held_out[0] != '\0' || accepted[0] != '\0') {
        eg_cli_note(t->opt->quiet, "step %" PRId64 ", %s%s", eagle_trainer_steps(t->trainer),
                    held_out, accepted);
    }
    return t->log != NULL ? log_judgement(t, length, err) : EAGLE_OK;
}

/* ---- the end ----------------------------------------------------------------------------- */

void eg_train_log_end(const eg_train_run *t)
{
    const double seconds = eagle_clock() - t->begun;
    char duration[EG_DURATION_TEXT];
    char bytes[2][EG_BYTES_TEXT];

    printf("%s: %" PRIu64 " parameters, %" PRId64 " steps", t->opt->out, t->bill.parameters,
           eagle_trainer_steps(t->trainer));
    if (t->last.step > 0) {
        printf(", %" PRId64 " tokens, loss %.4f", t->last.tokens, t->last.loss);
    }
    printf("\n");
    if (t->validation.step == eagle_trainer_steps(t->trainer)) {
        char held_out[160];

        describe_held_out(held_out, sizeof held_out, t);
        printf("%s\n", held_out);
    }
    if (t->judge != NULL) {
        printf("acceptance length %.3f at step %" PRId64 ", which %s holds\n", t->best.length,
               t->best.step, t->opt->out);
    }
    eg_cli_note(t->opt->quiet, "%s, %.0f tokens/s while learning", eg_duration(duration, seconds),
                t->last.step > t->first_step
                    ? (double)t->last.tokens / (double)t->last.step *
                          (double)(t->last.step - t->first_step) / seconds_of_steps(t)
                    : 0.0);
    eg_cli_note(t->opt->quiet || !t->opt->verbose, "memory planned %s, peak of the process %s",
                eg_cli_bytes(bytes[0], eg_train_run_memory(t)),
                eg_cli_bytes(bytes[1], eg_peak_memory()));
}
