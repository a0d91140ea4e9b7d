/*
 * store_lmdb_file.c - the directory, the files in it, and the schema record.
 *
 * Files are made with mode 0600 and the directory with 0700, whatever the
 * process's umask. LMDB does not make the names of new files durable, so the
 * directory is flushed here.
 */
#include "core/alloc.h"
#include "core/codec.h"
#include "core/quantity.h"
#include "core/store_lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SCHEMA_KEY "schema"
#define SCHEMA_RECORD_FORMAT 1
#define UUID_BYTES ((size_t)16)

/* LMDB needs some room to work in at all. */
#define MAP_BYTES_MIN ((uint64_t)1 << 20)

/* Readers of other processes (verify, backup) use the same table, whose size
 * is fixed by whoever opens the file first: LMDB's own default or more. */
#define READERS_FLOOR 126
#define READERS_SPARE 8

const char *const rf_store__table_names[RF_TABLE_COUNT] = {
    [RF_TABLE_META] = "meta",       [RF_TABLE_STOCK] = "stock",
    [RF_TABLE_JOURNAL] = "journal", [RF_TABLE_PLACE] = "place",
    [RF_TABLE_DUE] = "due",         [RF_TABLE_PRODUCTS] = "products",
    [RF_TABLE_JOBS] = "jobs",
};

/* File systems on which a lock, a flush or a shared map does not mean what it
 * means on a local disk. */
static const struct {
    uint64_t type;
    const char *name;
} refused_file_systems[] = {
    {0x6969, "NFS"},        {0x517B, "SMB"},      {0xFF534D42, "CIFS"},
    {0xFE534D42, "SMB2"},   {0x564C, "NCP"},      {0x73757245, "Coda"},
    {0x5346414F, "AFS"},    {0x6B414653, "AFS"},  {0x01021997, "9P"},
    {0x00C36400, "Ceph"},   {0x01161970, "GFS2"}, {0x7461636F, "OCFS2"},
    {0x0BD00BD0, "Lustre"}, {0x65735546, "FUSE"}, {0x19830326, "FhGFS"},
    {0x47504653, "GPFS"},   {0x6E736673, "nsfs"},
};

const char *rf_store__refused_file_system(uint64_t type)
{
    size_t count = sizeof refused_file_systems / sizeof *refused_file_systems;
    for (size_t i = 0; i < count; i++) {
        if (refused_file_systems[i].type == type) {
            return refused_file_systems[i].name;
        }
    }
    return NULL;
}

static rf_status fail_errno(rf_error *err, const char *doing, const char *path)
{
    return rf_fail(err, RF_E_STORAGE, "%s %s: %s", doing, path,
                   strerror(errno));
}

/* Make the name of a new directory durable in the one above it. */
static rf_status flush_parent(const char *directory, rf_error *err)
{
    char parent[PATH_MAX];
    int length = snprintf(parent, sizeof parent, "%s/..", directory);
    if (length < 0 || (size_t)length >= sizeof parent) {
        return rf_fail(err, RF_E_STORAGE, "the directory's name is too long");
    }
    int descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return fail_errno(err, "opening", parent);
    }
    int result = fsync(descriptor);
    close(descriptor);
    return result == 0 ? RF_OK : fail_errno(err, "flushing", parent);
}

/* Make the directory, keep it open, and see what it is on. The descriptor is
 * used for flushing names and asking for free space later. */
static rf_status open_directory(rf_store_lmdb *store, const char *directory,
                                rf_error *err)
{
    if (!store->is_read_only) {
        if (mkdir(directory, 0700) == 0) {
            rf_status status = flush_parent(directory, err);
            if (status != RF_OK) {
                return status;
            }
        } else if (errno != EEXIST) {
            return fail_errno(err, "making", directory);
        }
    }
    store->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory < 0) {
        return fail_errno(err, "opening", directory);
    }
    struct statfs about;
    if (fstatfs(store->directory, &about) != 0) {
        return fail_errno(err, "looking at", directory);
    }
    /* The kernel's types have 32 bits; f_type is signed and may be wider. */
    const char *refused =
        rf_store__refused_file_system((uint64_t)about.f_type & UINT32_MAX);
    if (refused != NULL) {
        return rf_fail(err, RF_E_STORAGE,
                       "%s is on %s; the store needs a local file system",
                       directory, refused);
    }
    return RF_OK;
}

/* The lock is the kernel's and ends with the process; the file stays. */
static rf_status lock_owner(rf_store_lmdb *store, const char *directory,
                            rf_error *err)
{
    store->owner = openat(store->directory, RF_STORE_OWNER_FILE,
                          O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->owner < 0) {
        return fail_errno(err, "opening " RF_STORE_OWNER_FILE " in", directory);
    }
    if (flock(store->owner, LOCK_EX | LOCK_NB) == 0) {
        return RF_OK;
    }
    if (errno == EWOULDBLOCK) {
        return rf_fail(err, RF_E_STORAGE, "another process serves the store %s",
                       directory);
    }
    return fail_errno(err, "locking " RF_STORE_OWNER_FILE " in", directory);
}

rf_status rf_store__enter(rf_store_lmdb *store, const char *directory,
                          rf_error *err)
{
    rf_status status = open_directory(store, directory, err);
    if (status == RF_OK && !store->is_read_only) {
        status = lock_owner(store, directory, err);
    }
    return status;
}

/* Round up to a multiple, or down where up does not fit. */
static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
    return bytes > UINT64_MAX - unit ? bytes / unit * unit
                                     : (bytes + unit - 1) / unit * unit;
}

/* Set what can only be set before the file is opened. */
static int set_up_env(rf_store_lmdb *store,
                      const rf_store_lmdb_options *options)
{
    store->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t bytes =
        options->map_bytes > MAP_BYTES_MIN ? options->map_bytes : MAP_BYTES_MIN;
    bytes = round_up(bytes, store->page_bytes);
    unsigned readers = options->readers_max + READERS_SPARE;
    if (readers < READERS_FLOOR) {
        readers = READERS_FLOOR;
    }
    int code = mdb_env_create(&store->env);
    if (code == 0) {
        code = mdb_env_set_mapsize(store->env, bytes);
    }
    if (code == 0) {
        code = mdb_env_set_maxdbs(store->env, RF_TABLE_COUNT);
    }
    if (code == 0) {
        code = mdb_env_set_maxreaders(store->env, readers);
    }
    return code;
}

rf_status rf_store__open_env(rf_store_lmdb *store,
                             const rf_store_lmdb_options *options,
                             rf_error *err)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/" RF_STORE_DATA_FILE,
                          options->directory);
    if (length < 0 || (size_t)length >= sizeof path) {
        return rf_fail(err, RF_E_STORAGE, "the directory's name is too long");
    }
    int code = set_up_env(store, options);
    /* No flag that trades durability for speed may ever stand here. */
    unsigned flags =
        MDB_NOSUBDIR | MDB_NOTLS | (store->is_read_only ? MDB_RDONLY : 0);
    if (code == 0) {
        code = mdb_env_open(store->env, path, flags, 0600);
    }
    int dead;
    if (code == 0) {
        code = mdb_reader_check(store->env, &dead);
    }
    MDB_envinfo info;
    if (code == 0) {
        code = mdb_env_info(store->env, &info);
    }
    if (code != 0) {
        return rf_fail(err, RF_E_STORAGE, "opening %s: %s", path,
                       mdb_strerror(code));
    }
    atomic_store(&store->map_bytes, info.me_mapsize);
    return RF_OK;
}

/* Make a random (version 4) UUID. It tells copies of one store from stores
 * that merely look alike. */
static void make_uuid(unsigned char uuid[UUID_BYTES])
{
    /* Requests of up to 256 bytes are never cut short once the pool is ready.
     */
    RF_ASSERT(getrandom(uuid, UUID_BYTES, 0) == (ssize_t)UUID_BYTES);
    uuid[6] = (unsigned char)((uuid[6] & 0x0F) | 0x40);
    uuid[8] = (unsigned char)((uuid[8] & 0x3F) | 0x80);
}

/* Write format, quantity scale, creation UUID and product version. */
static int write_schema(MDB_txn *transaction, MDB_dbi meta, const char *version)
{
    unsigned char uuid[UUID_BYTES];
    make_uuid(uuid);
    rf_buffer record = {0};
    rf_buffer_append_byte(&record, SCHEMA_RECORD_FORMAT);
    rf_write_varint(&record, RF_STORE_FORMAT);
    rf_write_varint(&record, RF_QUANTITY_SCALE);
    rf_buffer_append(&record, uuid, UUID_BYTES);
    rf_write_text(&record,
                  version == NULL ? RF_TEXT_EMPTY : rf_text_of(version));
    rf_seal(&record, 0);
    int code = ENOMEM;
    if (!rf_buffer_failed(&record)) {
        char name[] = SCHEMA_KEY;
        MDB_val key = {sizeof name - 1, name};
        MDB_val value = {record.length, record.bytes};
        code = mdb_put(transaction, meta, &key, &value, MDB_NOOVERWRITE);
    }
    rf_buffer_done(&record);
    return code;
}

rf_status rf_store__check_schema(MDB_txn *transaction, MDB_dbi meta,
                                 rf_error *err)
{
    char name[] = SCHEMA_KEY;
    MDB_val key = {sizeof name - 1, name};
    MDB_val value;
    int code = mdb_get(transaction, meta, &key, &value);
    if (code != 0) {
        return rf_store__fail(err, code, "reading the schema record");
    }
    rf_reader reader;
    rf_status status =
        rf_unseal((rf_bytes){value.mv_data, value.mv_size},
                  SCHEMA_RECORD_FORMAT, "schema record", &reader, err);
    if (status != RF_OK) {
        return status;
    }
    uint64_t format = rf_read_varint(&reader);
    uint64_t scale = rf_read_varint(&reader);
    if (reader.failed || format == 0) {
        return rf_fail(err, RF_E_STORAGE, "the schema record is damaged");
    }
    if (format > RF_STORE_FORMAT) {
        return rf_fail(err, RF_E_STORAGE,
                       "the store has format %" PRIu64
                       ", this program reads up to %d: use a newer program",
                       format, RF_STORE_FORMAT);
    }
    if (scale != RF_QUANTITY_SCALE) {
        return rf_fail(err, RF_E_STORAGE,
                       "the store counts quantities in 1/%" PRIu64, scale);
    }
    return RF_OK;
}

/* Make every table and the schema record in a file that holds nothing yet. */
static rf_status make_tables(rf_store_lmdb *store, MDB_txn *transaction,
                             const char *version, rf_error *err)
{
    MDB_stat about;
    int code = mdb_env_stat(store->env, &about);
    if (code == 0 && (about.ms_entries != 0 || store->is_read_only)) {
        return rf_fail(err, RF_E_STORAGE,
                       RF_STORE_DATA_FILE " is not a store of Ringfence");
    }
    for (int i = 0; i < RF_TABLE_COUNT && code == 0; i++) {
        code = mdb_dbi_open(transaction, rf_store__table_names[i], MDB_CREATE,
                            &store->tables[i]);
    }
    if (code == 0) {
        code = write_schema(transaction, store->tables[RF_TABLE_META], version);
    }
    return code == 0 ? RF_OK : rf_store__fail(err, code, "making the store");
}

/* Open the tables of a store. Its format is checked before anything else is
 * touched, so that a newer store is left exactly as it is. */
static rf_status find_tables(rf_store_lmdb *store, MDB_txn *transaction,
                             const char *version, rf_error *err)
{
    MDB_dbi *tables = store->tables;
    int code = mdb_dbi_open(transaction, rf_store__table_names[RF_TABLE_META],
                            0, &tables[RF_TABLE_META]);
    if (code == MDB_NOTFOUND) {
        return make_tables(store, transaction, version, err);
    }
    if (code == 0) {
        rf_status status =
            rf_store__check_schema(transaction, tables[RF_TABLE_META], err);
        if (status != RF_OK) {
            return status;
        }
    }
    /* A store made before a table was thought of gets it now, or reads as if it
     * were empty. */
    unsigned flags = store->is_read_only ? 0 : MDB_CREATE;
    for (int i = 0; i < RF_TABLE_COUNT && code == 0; i++) {
        code = mdb_dbi_open(transaction, rf_store__table_names[i], flags,
                            &tables[i]);
        if (code == MDB_NOTFOUND) {
            tables[i] = RF_STORE_NO_TABLE;
            code = 0;
        }
    }
    return code == 0 ? RF_OK : rf_store__fail(err, code, "opening the tables");
}

rf_status rf_store__open_tables(rf_store_lmdb *store, const char *version,
                                rf_error *err)
{
    MDB_txn *transaction = NULL;
    int code = mdb_txn_begin(
        store->env, NULL, store->is_read_only ? MDB_RDONLY : 0, &transaction);
    if (code != 0) {
        return rf_store__fail(err, code, "opening the store");
    }
    rf_status status = find_tables(store, transaction, version, err);
    if (status != RF_OK) {
        mdb_txn_abort(transaction);
        return status;
    }
    code = mdb_txn_commit(transaction);
    if (code != 0) {
        return rf_store__fail(err, code, "opening the store");
    }
    if (!store->is_read_only && fsync(store->directory) != 0) {
        return rf_store__fail(err, errno, "flushing the directory");
    }
    return RF_OK;
}
