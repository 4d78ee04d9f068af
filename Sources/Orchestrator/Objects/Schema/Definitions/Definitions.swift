/// The API's types, written in the small language that `SchemaParser` reads.
///
/// `type NAME : doc` opens a type, `kind NAME : doc` one that is a document of its own (it also gets `apiVersion`,
/// `kind` and `metadata`). Each line below it is a field: `NUMBER NAME TYPE ATTRIBUTE… : doc`, where NUMBER is the
/// protobuf field number, and NAME `*` takes in the fields of another type as Go's inlined structs do. Types are
/// `string bool int32 int64 double bytes time microTime quantity intOrString any`, `[]T`, `map T` and type names; a `?`
/// after the type says that an empty value differs from none (Go's pointers). Attributes: `required`, `keep` (no
/// `omitempty`), `=VALUE` (default), `in=A|B` (allowed values), `range=1..9` or `1..`, `name=label` (a `NameRule`),
/// `immutable`, `key=NAME` (strategic merge key), `keys=A,B` (map keys of server-side apply, when they differ), `set`
/// (a list of scalars that merges), `retainKeys`.
///
/// The names, numbers and merge keys are facts of the published API (contracts/kubernetes/PROTO_FIELDS.md and 3.4).
enum Definitions {
    static let all = [meta, corePods, coreVolumes, coreServices, coreCluster, apps, batch, otherGroups]
}
