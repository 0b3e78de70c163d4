/* SPDX-License-Identifier: MIT */
/* mutate.c - makes mutants of a C file: the same file with one small mistake in it.
 *
 *   mutate FILE      lists the mutants, one a line, fields separated by tabs:
 *                    number, function, operator, change, occurrence, text of the line
 *   mutate -n N FILE writes mutant N to stdout
 *
 *   relax    <  becomes <=, and so on; == becomes !=
 *   swap     a < b becomes a > b, which is b < a; a - b becomes b - a
 *   number   an integer constant becomes one more, or one less
 *   index    a subscript becomes one more, or one less
 *   operator + becomes -, && becomes ||, ++ becomes --, and so on
 *   negate   the condition of an if, a loop or a ?: becomes its contrary
 *   result   what a function of type bool returns becomes false, or true
 *   drop     a statement vanishes
 *
 * It works on text, not on a syntax tree, and leans on the source being formatted by clang-format:
 * a binary operator has a space on either side, a unary one none behind it; a block's brace
 * follows a space, a compound literal's does not. Comments, directives, asserts, constant tables
 * and declarators are left alone. Numbers follow the source's order, so that they are the same
 * each time; `occurrence` counts equal changes of equal lines in a function, so that number is not
 * needed to name a mutant when lines move. */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { IDENT, NUMBER, LITERAL, PUNCT };

struct token {
    enum kind kind;
    const char *text;
    int size;
    int match; /* the other bracket, or -1            */
    int outer; /* the bracket that it stands in, or -1 */
};

struct source {
    char *text;
    struct token *token;
    int n;
};

/* Part [begin, end) of the text becomes before + the part, if kept, + after. */
struct mutant {
    const char *function;
    int function_size;
    const char *operator;
    char change[80];
    const char *begin;
    const char *end;
    char before[80];
    char after[80];
    bool keep;
};

struct list {
    const struct source *source;
    const char *function;
    int function_size;
    struct mutant *mutant;
    int n;
    int cap;
};

static void *grow(void *old, int *cap, size_t size)
{
    *cap = *cap > 0 ? 2 * *cap : 256;
    void *grown = realloc(old, (size_t)*cap * size);

    if (grown == NULL) {
        fputs("mutate: no memory\n", stderr);
        exit(1);
    }
    return grown;
}

/* ---- tokens -------------------------------------------------------------------------------- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    int cap = 0;
    size_t n = 0;

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    do {
        if (n + 1 >= (size_t)cap) {
            text = grow(text, &cap, 1);
        }
        n += fread(text + n, 1, (size_t)cap - 1 - n, file);
    } while (!feof(file) && !ferror(file));
    fclose(file);
    text[n] = '\0';
    return text;
}

/* Past comments, white space and directives. */
static const char *skip_blank(const char *s, const char *start)
{
    for (;;) {
        if (isspace((unsigned char)*s)) {
            s++;
        } else if (s[0] == '/' && s[1] == '*') {
            const char *end = strstr(s + 2, "*/");

            s = end != NULL ? end + 2 : s + strlen(s);
        } else if (*s == '#' && (s == start || s[-1] == '\n')) {
            while (*s != '\0' && (*s != '\n' || s[-1] == '\\')) {
                s++;
            }
        } else {
            return s;
        }
    }
}

static int punct_size(const char *s)
{
    static const char *const longer[] = {"<<=", ">>=", "...", "->", "++", "--", "<<", ">>",
                                         "<=",  ">=",  "==",  "!=", "&&", "||", "+=", "-=",
                                         "*=",  "/=",  "%=",  "&=", "|=", "^="};

    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++) {
        if (strncmp(s, longer[i], strlen(longer[i])) == 0) {
            return (int)strlen(longer[i]);
        }
    }
    return 1;
}

static int literal_size(const char *s)
{
    int n = 1;

    while (s[n] != s[0] && s[n] != '\0') {
        n += s[n] == '\\' && s[n + 1] != '\0' ? 2 : 1;
    }
    return n + (s[n] != '\0');
}

static struct token token_at(const char *s)
{
    struct token t = {.text = s, .match = -1, .outer = -1};

    if (isalpha((unsigned char)*s) || *s == '_') {
        t.kind = IDENT;
        while (isalnum((unsigned char)s[t.size]) || s[t.size] == '_') {
            t.size++;
        }
    } else if (isdigit((unsigned char)*s) || (*s == '.' && isdigit((unsigned char)s[1]))) {
        t.kind = NUMBER;
        while (isalnum((unsigned char)s[t.size]) || s[t.size] == '.' ||
               (t.size > 0 && strchr("eEpP", s[t.size - 1]) != NULL &&
                (s[t.size] == '-' || s[t.size] == '+') && memchr(s, 'x', (size_t)t.size) == NULL) ||
               (t.size > 0 && strchr("pP", s[t.size - 1]) != NULL &&
                (s[t.size] == '-' || s[t.size] == '+'))) {
            t.size++;
        }
    } else if (*s == '"' || *s == '\'') {
        t.kind = LITERAL;
        t.size = literal_size(s);
    } else {
        t.kind = PUNCT;
        t.size = punct_size(s);
    }
    return t;
}

static bool is(const struct source *src, int i, const char *text)
{
    return i >= 0 && i < src->n && (size_t)src->token[i].size == strlen(text) &&
           memcmp(src->token[i].text, text, strlen(text)) == 0;
}

static bool is_one_of(const struct source *src, int i, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (is(src, i, *list)) {
            return true;
        }
    }
    return false;
}

static void match_brackets(struct source *src)
{
    int *open = malloc((size_t)(src->n + 1) * sizeof *open);
    int depth = 0;

    for (int i = 0; open != NULL && i < src->n; i++) {
        src->token[i].outer = depth > 0 ? open[depth - 1] : -1;
        if (is(src, i, "(") || is(src, i, "[") || is(src, i, "{")) {
            open[depth++] = i;
        } else if ((is(src, i, ")") || is(src, i, "]") || is(src, i, "}")) && depth > 0) {
            src->token[i].match = open[--depth];
            src->token[open[depth]].match = i;
        }
    }
    free(open);
}

static struct source scan(char *text)
{
    struct source src = {.text = text};
    int cap = 0;

    for (const char *s = skip_blank(text, text); *s != '\0';) {
        if (src.n == cap) {
            src.token = grow(src.token, &cap, sizeof *src.token);
        }
        src.token[src.n] = token_at(s);
        s = skip_blank(s + src.token[src.n].size, text);
        src.n++;
    }
    match_brackets(&src);
    return src;
}

/* ---- what a token is ----------------------------------------------------------------------- */

static bool is_binary(const struct source *src, int i)
{
    const struct token *t = &src->token[i];

    return isspace((unsigned char)t->text[-1]) && isspace((unsigned char)t->text[t->size]);
}

/* A block's brace, not a literal's or an initializer's. */
static bool opens_block(const struct source *src, int i)
{
    return i > 0 && is(src, i, "{") && !is(src, i - 1, "=") && !is(src, i - 1, ",") &&
           !is(src, i - 1, "(") && isspace((unsigned char)src->token[i].text[-1]) &&
           !(is(src, i - 1, "{") && !opens_block(src, i - 1));
}

/* Does `)` at i end the head of an if, a loop or a switch? */
static bool ends_head(const struct source *src, int i)
{
    static const char *const heads[] = {"if", "for", "while", "switch", NULL};

    return is(src, i, ")") && is_one_of(src, src->token[i].match - 1, heads);
}

/* The first token of a statement, in a block. */
static bool begins_statement(const struct source *src, int i)
{
    if (!opens_block(src, src->token[i].outer)) {
        return false;
    }
    if (is(src, i - 1, "{")) {
        return opens_block(src, i - 1);
    }
    if (is(src, i - 1, "}")) {
        return opens_block(src, src->token[i - 1].match);
    }
    if (is(src, i - 1, ":")) { /* after "case X" or "default", not in ?: */
        return is(src, i - 2, "default") || is(src, i - 3, "case");
    }
    return is(src, i - 1, ";") || is(src, i - 1, "else") || is(src, i - 1, "do") ||
           ends_head(src, i - 1);
}

static bool is_declaration(const struct source *src, int i)
{
    static const char *const starts[] = {"const", "static", "struct", "enum", "unsigned", NULL};
    static const char *const not_types[] = {"return", "goto", "else", "case", "sizeof", NULL};
    int next = i + 1;

    if (is_one_of(src, i, starts)) {
        return true;
    }
    while (is(src, next, "*") && !is_binary(src, next)) {
        next++;
    }
    return src->token[i].kind == IDENT && !is_one_of(src, i, not_types) &&
           src->token[next].kind == IDENT;
}

/* The `;` that ends the statement that begins at i. */
static int statement_end(const struct source *src, int i)
{
    while (i < src->n && !is(src, i, ";")) {
        i = src->token[i].match > i ? src->token[i].match + 1 : i + 1;
    }
    return i;
}

/* ---- making mutants ------------------------------------------------------------------------ */

static struct mutant *add(struct list *list, const char *operator, int first, int last)
{
    if (list->n == list->cap) {
        list->mutant = grow(list->mutant, &list->cap, sizeof *list->mutant);
    }
    const struct token *token = list->source->token;
    struct mutant *m = &list->mutant[list->n++];

    *m = (struct mutant){.function = list->function,
                         .function_size = list->function_size,
                         .operator= operator,
                         .begin = token[first].text,
                         .end = token[last].text + token[last].size};
    return m;
}

/* Token i becomes `text`. */
static void replace(struct list *list, const char *operator, int i, const char *text)
{
    const struct token *t = &list->source->token[i];
    struct mutant *m = add(list, operator, i, i);

    snprintf(m->before, sizeof m->before, "%s", text);
    snprintf(m->change, sizeof m->change, "%.*s -> %s", t->size < 30 ? t->size : 30, t->text, text);
}

/* Tokens [first, last] get text before and after. */
static void wrap(struct list *list, const char *operator, int first, int last, const char *before,
                 const char *after)
{
    struct mutant *m = add(list, operator, first, last);

    m->keep = true;
    snprintf(m->before, sizeof m->before, "%s", before);
    snprintf(m->after, sizeof m->after, "%s", after);
    snprintf(m->change, sizeof m->change, "%s..%s", before, after);
}

/* Tokens [first, last] become `text`. */
static void overwrite(struct list *list, const char *operator, int first, int last,
                      const char *text, const char *change)
{
    struct mutant *m = add(list, operator, first, last);

    snprintf(m->before, sizeof m->before, "%s", text);
    snprintf(m->change, sizeof m->change, "%s", change);
}

static void mutate_number(struct list *list, int i)
{
    const struct token *t = &list->source->token[i];
    const bool hex = t->size > 1 && (t->text[1] == 'x' || t->text[1] == 'X');
    char digits[64];
    char text[80];
    char *suffix;

    snprintf(digits, sizeof digits, "%.*s", t->size < 60 ? t->size : 60, t->text);
    if (strpbrk(digits, hex ? ".pP" : ".eEfF") != NULL) {
        return; /* not an integer */
    }
    const unsigned long long value = strtoull(digits, &suffix, 0);

    snprintf(text, sizeof text, hex ? "0x%llx%s" : "%llu%s", value + 1, suffix);
    replace(list, "number", i, text);
    snprintf(text, sizeof text, hex ? "0x%llx%s" : "%llu%s", value - 1, suffix);
    replace(list, "number", i, value > 0 ? text : "-1");
}

/* The first token of the operand on the left of the operator at i: products, casts and what
 * hangs on a name belong to it. */
static int operand_begin(const struct source *src, int i)
{
    int at = i - 1;

    for (;;) {
        if (src->token[at].match >= 0 && src->token[at].match < at) {
            at = src->token[at].match;
        }
        const struct token *before = &src->token[at - 1];
        const bool hangs = is(src, at - 1, ".") || is(src, at - 1, "->");
        const bool product =
            (is(src, at - 1, "*") || is(src, at - 1, "/") || is(src, at - 1, "%")) &&
            is_binary(src, at - 1);

        if (hangs || product) {
            at -= 2;
        } else if ((before->kind == IDENT && !isspace((unsigned char)src->token[at].text[-1])) ||
                   ((is(src, at - 1, "*") || is(src, at - 1, "&") || is(src, at - 1, "-") ||
                     is(src, at - 1, "!")) &&
                    !is_binary(src, at - 1))) {
            at -= 1; /* a call's or a subscript's name; a unary operator */
        } else if (is(src, at - 1, ")") && !isspace((unsigned char)src->token[at].text[-1])) {
            at -= 1; /* a cast */
        } else {
            return at;
        }
    }
}

/* The last token of the operand on the right of the operator at i. */
static int operand_end(const struct source *src, int i)
{
    static const char *const unary[] = {"*", "&", "-", "!", "~", NULL};
    int at = i + 1;

    for (;;) {
        while (is_one_of(src, at, unary) && !is_binary(src, at)) {
            at++;
        }
        if (is(src, at, "(")) {
            at = src->token[at].match;
            if (!isspace((unsigned char)src->token[at].text[1]) &&
                (src->token[at + 1].kind == IDENT || src->token[at + 1].kind == NUMBER ||
                 is(src, at + 1, "("))) { /* a cast */
                at++;
                continue;
            }
        }
        while (is(src, at + 1, "(") || is(src, at + 1, "[") || is(src, at + 1, ".") ||
               is(src, at + 1, "->")) {
            at = src->token[at + 1].match > 0 ? src->token[at + 1].match : at + 2;
        }
        if ((is(src, at + 1, "*") || is(src, at + 1, "/") || is(src, at + 1, "%")) &&
            is_binary(src, at + 1)) {
            at += 2;
        } else {
            return at;
        }
    }
}

static int span(const struct source *src, int first, int last)
{
    return (int)(src->token[last].text + src->token[last].size - src->token[first].text);
}

/* a - b becomes b - a. */
static void swap_difference(struct list *list, int i)
{
    const struct source *src = list->source;
    const int first = operand_begin(src, i);
    const int last = operand_end(src, i);
    char text[80];
    const int n = snprintf(text, sizeof text, "(%.*s) - (%.*s)", span(src, i + 1, last),
                           src->token[i + 1].text, span(src, first, i - 1), src->token[first].text);

    if (n < (int)sizeof text) {
        overwrite(list, "swap", first, last, text, "a - b -> b - a");
    }
}

static void mutate_operator(struct list *list, int i)
{
    static const struct {
        const char *from;
        const char *operator;
        const char *to;
    } rules[] = {{"<", "relax", "<="},      {"<", "swap", ">"},       {"<=", "relax", "<"},
                 {"<=", "swap", ">="},      {">", "relax", ">="},     {">", "swap", "<"},
                 {">=", "relax", ">"},      {">=", "swap", "<="},     {"==", "relax", "!="},
                 {"!=", "relax", "=="},     {"+", "operator", "-"},   {"-", "operator", "+"},
                 {"*", "operator", "+"},    {"/", "operator", "*"},   {"%", "operator", "*"},
                 {"&&", "operator", "||"},  {"||", "operator", "&&"}, {"&", "operator", "|"},
                 {"|", "operator", "&"},    {"^", "operator", "|"},   {"<<", "operator", ">>"},
                 {">>", "operator", "<<"},  {"+=", "operator", "-="}, {"-=", "operator", "+="},
                 {"*=", "operator", "+="},  {"|=", "operator", "&="}, {"&=", "operator", "|="},
                 {"<<=", "operator", ">>="}};

    if (is(list->source, i, "++") || is(list->source, i, "--")) {
        replace(list, "operator", i, is(list->source, i, "++") ? "--" : "++");
        return;
    }
    if (!is_binary(list->source, i)) {
        return;
    }
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        if (is(list->source, i, rules[r].from)) {
            replace(list, rules[r].operator, i, rules[r].to);
        }
    }
    if (is(list->source, i, "-")) {
        swap_difference(list, i);
    }
}

static void negate(struct list *list, int first, int last)
{
    if (first <= last) {
        wrap(list, "negate", first, last, "!(", ")");
    }
}

/* The condition of the `?` at i begins behind the nearest of these, brackets apart. */
static int condition_begin(const struct source *src, int i)
{
    static const char *const stops[] = {"=", "return", "(",  "[",  "{",  ",",  ";",
                                        ":", "?",      "+=", "-=", "*=", "|=", NULL};
    int at = i - 1;

    while (at > 0 && !is_one_of(src, at, stops)) {
        at = src->token[at].match >= 0 ? src->token[at].match - 1 : at - 1;
    }
    return at + 1;
}

static void mutate_condition(struct list *list, int i)
{
    const struct source *src = list->source;

    if ((is(src, i, "if") || is(src, i, "while")) && is(src, i + 1, "(")) {
        negate(list, i + 2, src->token[i + 1].match - 1);
    } else if (is(src, i, "for")) {
        const int first = statement_end(src, i + 2) + 1;

        negate(list, first, statement_end(src, first) - 1);
    } else if (is(src, i, "?")) {
        negate(list, condition_begin(src, i), i - 1);
    }
}

/* Statements that are neither heads nor declarations vanish. A `return` of a value only where the
 * function does not end with it: there it is the last statement of the body, in no inner block. */
static void drop_statement(struct list *list, int i, bool is_last_return)
{
    static const char *const heads[] = {"if",   "for",     "while", "do",   "switch",
                                        "case", "default", "else",  "goto", NULL};
    const struct source *src = list->source;

    if (is_one_of(src, i, heads) || is(src, i, "{") || is(src, i, "}") || is(src, i, ";") ||
        is_declaration(src, i) || is(src, i + 1, ":") || is_last_return ||
        (is(src, i, "(") && is(src, i + 1, "void"))) {
        return;
    }
    overwrite(list, "drop", i, statement_end(src, i), ";", "statement");
}

static void mutate_result(struct list *list, int i)
{
    const int end = statement_end(list->source, i);

    if (is(list->source, i, "return") && end > i + 1) {
        if (!is(list->source, i + 1, "false")) {
            overwrite(list, "result", i + 1, end - 1, "false", "false");
        }
        if (!is(list->source, i + 1, "true")) {
            overwrite(list, "result", i + 1, end - 1, "true", "true");
        }
    }
}

/* ---- functions ------------------------------------------------------------------------------- */

/* Where nothing is mutated: the index of the first token behind it, or i. */
static int skip_untouchable(const struct source *src, int i)
{
    if (is(src, i, "assert") && is(src, i + 1, "(")) {
        return statement_end(src, i) + 1;
    }
    if (begins_statement(src, i) && is(src, i, "static")) {
        return statement_end(src, i) + 1;
    }
    if (begins_statement(src, i) && is_declaration(src, i)) { /* up to the initializer */
        int end = i;

        while (!is(src, end, "=") && !is(src, end, ";")) {
            end++;
        }
        return end;
    }
    if (is(src, i, "sizeof") && !is(src, i + 1, "(")) { /* sizeof *x, sizeof x->y[0] */
        i++;
        while (is(src, i, "*")) {
            i++;
        }
        return i;
    }
    return i;
}

static void mutate_function(struct list *list, int open, bool is_bool, bool is_void)
{
    const struct source *src = list->source;
    const int close = src->token[open].match;

    for (int i = open + 1; i < close;) {
        const int skipped = skip_untouchable(src, i);

        if (skipped > i) {
            i = skipped;
            continue;
        }
        if (begins_statement(src, i)) {
            const bool ends = is(src, i, "return") && statement_end(src, i) + 1 == close;

            drop_statement(list, i, ends && !is_void);
            if (is_bool) {
                mutate_result(list, i);
            }
        }
        mutate_condition(list, i);
        if (src->token[i].kind == NUMBER) {
            mutate_number(list, i);
        } else if (src->token[i].kind == PUNCT) {
            mutate_operator(list, i);
        } else if (is(src, i, "true") || is(src, i, "false")) {
            replace(list, "number", i, is(src, i, "true") ? "false" : "true");
        }
        if (is(src, i, "[") && src->token[i].match != i + 2) {
            wrap(list, "index", i + 1, src->token[i].match - 1, "", " + 1");
            wrap(list, "index", i + 1, src->token[i].match - 1, "", " - 1");
        } else if (is(src, i, "[") && src->token[i + 1].kind == IDENT) {
            wrap(list, "index", i + 1, i + 1, "", " + 1");
            wrap(list, "index", i + 1, i + 1, "", " - 1");
        }
        i++;
    }
}

/* Whether `word` is among the tokens before the function's name that belong to its type. */
static bool returns(const struct source *src, int name, const char *word)
{
    bool found = false;

    for (int i = name - 1; i >= 0 && !is(src, i, ";") && !is(src, i, "}"); i--) {
        if (is(src, i, "*")) {
            return false;
        }
        found = found || is(src, i, word);
    }
    return found;
}

static void mutate_source(struct list *list)
{
    const struct source *src = list->source;

    for (int i = 0; i < src->n; i++) {
        if (!is(src, i, "{")) {
            continue;
        }
        if (is(src, i - 1, ")")) {
            const int name = src->token[i - 1].match - 1;

            list->function = src->token[name].text;
            list->function_size = src->token[name].size;
            mutate_function(list, i, returns(src, name, "bool"), returns(src, name, "void"));
        }
        i = src->token[i].match > i ? src->token[i].match : i;
    }
}

/* ---- output ---------------------------------------------------------------------------------- */

/* The line that holds `at`, without the blanks around it. */
static int line_at(const char **line, const struct source *src, const char *at)
{
    const char *begin = at;
    const char *end = at;

    while (begin > src->text && begin[-1] != '\n') {
        begin--;
    }
    while (isspace((unsigned char)*begin)) {
        begin++;
    }
    while (*end != '\0' && *end != '\n') {
        end++;
    }
    *line = begin;
    return (int)(end - begin);
}

static bool same_name(const struct source *src, const struct mutant *a, const struct mutant *b)
{
    const char *line[2];
    const int size = line_at(&line[0], src, a->begin);

    return a->function == b->function && strcmp(a->operator, b->operator) == 0 &&
           strcmp(a->change, b->change) == 0 && line_at(&line[1], src, b->begin) == size &&
           memcmp(line[0], line[1], (size_t)size) == 0;
}

static void print_list(const struct list *list)
{
    for (int i = 0; i < list->n; i++) {
        const struct mutant *m = &list->mutant[i];
        const char *line;
        const int size = line_at(&line, list->source, m->begin);
        int occurrence = 1;

        for (int j = 0; j < i; j++) {
            occurrence += same_name(list->source, &list->mutant[j], m);
        }
        printf("%d\t%.*s\t%s\t%s\t%d\t%.*s\n", i + 1, m->function_size, m->function, m->operator,
               m->change, occurrence, size, line);
    }
}

static void print_mutant(const struct source *src, const struct mutant *m)
{
    printf("%.*s%s", (int)(m->begin - src->text), src->text, m->before);
    if (m->keep) {
        printf("%.*s", (int)(m->end - m->begin), m->begin);
    }
    printf("%s%s", m->after, m->end);
}

int main(int argc, char **argv)
{
    const bool one = argc == 4 && strcmp(argv[1], "-n") == 0;

    if (argc != 2 && !one) {
        fputs("usage: mutate [-n NUMBER] FILE\n", stderr);
        return 2;
    }
    struct source src = scan(read_file(argv[argc - 1]));
    struct list list = {.source = &src};
    int code = 0;

    mutate_source(&list);
    const long number = one ? strtol(argv[2], NULL, 10) : 0;

    if (!one) {
        print_list(&list);
    } else if (number >= 1 && number <= list.n) {
        print_mutant(&src, &list.mutant[number - 1]);
    } else {
        fprintf(stderr, "mutate: %s has %d mutants\n", argv[argc - 1], list.n);
        code = 2;
    }
    free(list.mutant);
    free(src.token);
    free(src.text);
    return code;
}
