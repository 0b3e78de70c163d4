/* SPDX-License-Identifier: MIT */
/* parts.h - what a tokenizer is made of, in the order in which a text meets it.
 *
 *   text -> added tokens -> normalizer -> added tokens -> pre-tokenizer -> BPE -> template -> ids
 *   ids  -> token texts  -> decoder stages -> text
 *
 * All of it is immutable once loaded. Private to src/tokenizer/. Texts inside are valid
 * UTF-8: an input is repaired on entry, and JSON cannot hold anything else. */
#ifndef EG_TOKENIZER_PARTS_H
#define EG_TOKENIZER_PARTS_H

#include "eagle/tokenizer.h"
#include "tokenizer/file_node.h"
#include "tokenizer/regex.h"
#include "tokenizer/utf8.h"

/* Ids are below this, and so is what is allocated by them. */
#define EG_MAX_IDS (1 << 24)

/* A piece of somebody else's memory. */
typedef struct {
    const char *data; /* NULL: not there */
    size_t size;
} eg_str;

typedef struct {
    int32_t *id;
    size_t n;
    size_t cap;
} eg_ids;

bool eg_ids_add(eg_ids *ids, int32_t id); /* false without memory */

/* ---- added tokens (added.c) ------------------------------------------------------------------ */

typedef struct {
    int32_t id;
    eg_str content; /* as written in the file                                          */
    eg_str pattern; /* what is searched: content, or `made`                        */
    char *made;     /* content after the normalizer, if that changes it; owned     */
    bool single_word;
    bool lstrip;
    bool rstrip;
    bool normalized;
    bool special;
} eg_added;

/* Patterns sorted by bytes, so that those with a common beginning are a range. */
typedef struct {
    const eg_added **token; /* [n] */
    int32_t n;
    int32_t first[257]; /* patterns that begin with byte b: first[b] .. first[b + 1] */
} eg_added_set;

/* Makes the set of the tokens whose `normalized` flag is as given. EAGLE_EFORMAT when two
 * have one pattern. */
eagle_status eg_added_set_init(eg_added_set *set, const eg_added *token, int32_t n, bool normalized,
                               const char *file, eagle_error *err);

typedef struct {
    const eg_added *token; /* NULL: text between tokens */
    size_t begin;
    size_t end;
} eg_segment;

/* A walk through one text. Set the first four; the rest starts as zero. */
typedef struct {
    const eg_added_set *set;
    const char *text;
    size_t size;
    bool parse_special;
    size_t at;       /* where the search goes on                          */
    size_t done;     /* where the last segment ended                 */
    size_t space_to; /* end of the last run of spaces that was measured */
    eg_segment held; /* a token found together with the text before it */
} eg_added_scan;

/* The next segment; false at the end. */
bool eg_added_next(eg_segment *out, eg_added_scan *scan);

/* ---- normalizer (normalize.c) ---------------------------------------------------------------- */

typedef enum { EG_NFC, EG_PREPEND, EG_REPLACE } eg_normal_kind;

typedef struct {
    eg_normal_kind kind;
    char *content;   /* PREPEND, REPLACE: what comes in */
    eg_regex *regex; /* REPLACE: what goes out          */
} eg_normal_step;

/* A text, and how many of its first bytes stem from the first character of the whole input
 * (0 for a part that begins later). Metaspace's scheme `first` asks for it. */
typedef struct {
    eg_text text;
    size_t lead;
} eg_normal_text;

/* Runs the steps over `text`; `spare` is scratch. An empty text stays empty. */
eagle_status eg_normalize(eg_normal_text *text, eg_text *spare, const eg_normal_step *step,
                          int32_t n_steps, eg_matcher *matcher, eagle_error *err);

/* ---- pre-tokenizer (pretokenize.c) ----------------------------------------------------------- */

/* Where a text is cut. */
typedef enum {
    EG_MATCH_REGEX,
    EG_MATCH_NUMERIC,
    EG_MATCH_PUNCTUATION,
    EG_MATCH_SPACE,
    EG_MATCH_CHAR,
    EG_MATCH_WORDS /* \w+|[^\w\s]+ */
} eg_match_kind;

/* What happens to a match. */
typedef enum {
    EG_REMOVED,
    EG_ISOLATED,
    EG_MERGED_WITH_PREVIOUS,
    EG_MERGED_WITH_NEXT,
    EG_CONTIGUOUS
} eg_behaviour;

/* Every pre-tokenizer of Hugging Face is a row of these:
 *
 *   ByteLevel    PREFIX " ", CUT GPT-2's expression, BYTES    Digits       CUT numeric
 *   Metaspace    SPACES, PREFIX, CUT at the replacement       Punctuation  CUT punctuation
 *   Split        CUT                                          Whitespace   CUT words, inverted */
typedef enum {
    EG_PRE_CUT,
    EG_PRE_PREFIX, /* put `content` before a piece that does not begin with it */
    EG_PRE_SPACES, /* replace each ' ' by `content`                            */
    EG_PRE_BYTES   /* each byte becomes its character of GPT-2's alphabet      */
} eg_pre_kind;

typedef struct {
    eg_pre_kind kind;
    char content[5];  /* one character */
    bool first_only;  /* PREFIX: only at the beginning of the input */
    eg_match_kind at; /* CUT */
    uint32_t code;    /* EG_MATCH_CHAR */
    eg_behaviour behaviour;
    bool invert; /* CUT: what does not match is the match */
    eg_regex *regex;
} eg_pre_step;

typedef struct {
    size_t begin;
    size_t end;
    size_t lead; /* as in eg_normal_text */
} eg_piece;

typedef struct {
    eg_piece *piece; /* [n] */
    size_t n;
    size_t cap;
} eg_pieces;

/* Pieces of `text`, and scratch that becomes theirs by turns. */
typedef struct {
    eg_text text;
    eg_pieces pieces;
    eg_text next_text;
    eg_pieces next_pieces;
} eg_cutting;

/* Cuts cutting->text, whose first `lead` bytes begin the input, into cutting->pieces. */
eagle_status eg_pretokenize(eg_cutting *cutting, size_t lead, const eg_pre_step *step,
                            int32_t n_steps, eg_matcher *matcher, eagle_error *err);
void eg_cutting_free(eg_cutting *cutting);

/* GPT-2's expression for words: ByteLevel cuts by it. */
#define EG_GPT2_WORDS                                                                              \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

/* GPT-2's alphabet: the character of a byte, and back (-1: not in it). */
#define EG_LAST_BYTE_CHAR 0x143
uint32_t eg_byte_char(unsigned char byte);
int eg_char_byte(uint32_t code);

/* ---- vocabulary and merges (vocab.c, bpe.c) -------------------------------------------------- */

typedef struct {
    eg_str text;
    int32_t id;
} eg_entry;

typedef struct {
    int32_t right;
    int32_t made; /* the token that left + right become */
    uint32_t rank;
} eg_merge;

typedef struct {
    eg_entry *entry; /* [n_entries] sorted by text */
    int32_t n_entries;
    eg_merge *merge; /* [first[n_ids]] by left id, then by right id */
    uint32_t *first; /* [n_ids + 1] merges of a left id: first[left] .. first[left + 1] */
    int32_t *made;   /* [n_ranks] the token that the merge of a rank makes */
    uint32_t n_ranks;
    int32_t n_ids;
    int32_t unk; /* -1: characters that are not in the vocabulary are dropped */
    bool fuse_unk;
    bool byte_fallback;
    bool ignore_merges;
    int32_t byte_id[256];   /* of <0x00> .. <0xFF>; -1: not there */
    int32_t char_id[0x800]; /* of one- and two-byte characters; -1: not there */
} eg_bpe;

/* The id of a text in the model's vocabulary, -1 if it is not there. */
int32_t eg_bpe_find(const eg_bpe *bpe, const char *text, size_t size);
/* The merge of two tokens; NULL if they do not merge. */
const eg_merge *eg_bpe_merge(const eg_bpe *bpe, int32_t left, int32_t right);

/* Sorts entry[0 .. n_entries) and fills the tables by character and byte. */
void eg_bpe_index(eg_bpe *bpe);

/* A merge as the file lists it: place in the list = rank. */
typedef struct {
    int32_t left;
    int32_t right;
    int32_t made;
    uint32_t rank;
} eg_merge_line;

/* Takes over the list of merges (sorting it); of two with the same pair the later counts. */
eagle_status eg_bpe_set_merges(eg_bpe *bpe, eg_merge_line *line, uint32_t n, eagle_error *err);
void eg_bpe_free(eg_bpe *bpe);

typedef struct {
    int32_t id; /* -1: merged into its left neighbour */
    int32_t prev;
    int32_t next;
} eg_symbol;

/* Scratch of eg_bpe_encode(). */
typedef struct {
    eg_symbol *symbol; /* [cap] */
    size_t cap;
    uint64_t *heap; /* [2 cap] rank << 32 | place of the left symbol */
} eg_bpe_work;

/* Adds the tokens of one word to *ids. */
eagle_status eg_bpe_encode(eg_ids *ids, eg_bpe_work *work, const eg_bpe *bpe, const char *word,
                           size_t size, eagle_error *err);
void eg_bpe_work_free(eg_bpe_work *work);

/* ---- decoder (decode.c) ---------------------------------------------------------------------- */

typedef enum {
    EG_DECODE_BYTES,         /* ByteLevel                                              */
    EG_DECODE_BYTE_FALLBACK, /* <0x41> becomes A                                       */
    EG_DECODE_FUSE,          /* all pieces become one                                  */
    EG_DECODE_STRIP,         /* takes characters from the ends of a piece              */
    EG_DECODE_REPLACE,
    EG_DECODE_METASPACE,
    EG_DECODE_JOIN /* without a decoder, tokens stand apart by a space */
} eg_decode_kind;

typedef struct {
    eg_decode_kind kind;
    uint32_t code; /* STRIP: what goes. METASPACE: what becomes a space */
    int32_t start; /* STRIP: at most so many */
    int32_t stop;
    bool drop_first; /* METASPACE: in the first piece it goes */
    char *content;   /* REPLACE */
    eg_regex *regex;
} eg_decode_step;

typedef struct eg_decoding eg_decoding;

/* A decoding in progress. What comes out is added to *out, whole characters only, and is
 * never taken back; eg_decoding_finish() adds the rest. */
eagle_status eg_decoding_create(eg_decoding **out, const eg_decode_step *step, int32_t n_steps,
                                eagle_error *err);
eagle_status eg_decoding_push(eg_text *out, eg_decoding *decoding, eg_str token, eagle_error *err);
eagle_status eg_decoding_finish(eg_text *out, eg_decoding *decoding, eagle_error *err);
void eg_decoding_free(eg_decoding *decoding);

/* ---- the whole (tokenizer.c) ----------------------------------------------------------------- */

/* By id. */
typedef struct {
    const char *text;  /* with a NUL; NULL: no such token */
    const char *shown; /* what the decoder gets: an added token that is normalized comes so */
    bool special;
} eg_token;

/* The ids of a template's special tokens; -1 stands for the text's own ids. */
#define EG_TEMPLATE_TEXT (-1)

struct eagle_tokenizer {
    char *texts;     /* all token texts, each with a NUL */
    eg_token *token; /* [n_ids] */
    int32_t n_ids;
    eg_added *added; /* [n_added] */
    int32_t n_added;
    eg_added_set raw;        /* added tokens to find before normalisation */
    eg_added_set normalized; /* and after it */
    eg_normal_step *normal;  /* [n_normal] */
    int32_t n_normal;
    eg_pre_step *pre; /* [n_pre] */
    int32_t n_pre;
    eg_bpe bpe;
    eg_ids template;        /* ids, with EG_TEMPLATE_TEXT in it */
    bool has_template;      /* one was in the file */
    eg_decode_step *decode; /* [n_decode] */
    int32_t n_decode;
};

/* ---- loading (load_file.c, load_steps.c) ----------------------------------------------------- */

/* Fills the parts from a parsed file, which may be released afterwards. On failure what was
 * made so far is left in *t. */
eagle_status eg_load(eagle_tokenizer *t, const json_t *json, const char *file, eagle_error *err);

/* The longest added token, in bytes: it bounds the cost of a search step (added.c). */
#define EG_MAX_ADDED_SIZE 1024

/* Most steps of one kind that a tokenizer may have. */
#define EG_MAX_STEPS 64

/* The parts of that name, from their values in the file. eg_load_template() needs the
 * tokens. */
eagle_status eg_load_normalizer(eagle_tokenizer *t, const eg_node *node, eagle_error *err);
eagle_status eg_load_pretokenizer(eagle_tokenizer *t, const eg_node *node, eagle_error *err);
eagle_status eg_load_template(eagle_tokenizer *t, const eg_node *node, eagle_error *err);
eagle_status eg_load_decoder(eagle_tokenizer *t, const eg_node *node, eagle_error *err);

#endif
