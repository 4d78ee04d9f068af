import JSON

/// What a kind does beyond its schema. Every member has a default, so a plain kind says only its columns.
protocol KindBehaviour: Sendable {
    var columns: [Column] { get }
    func cells(_ object: JSON, now: Int64) -> [JSON]
    var fieldLabels: [String] { get }
    func selectableFields(_ object: JSON) -> [String: String]
    /// How the kind's names must look.
    var nameRule: NameRule { get }
    /// Whether a change of `spec` raises `metadata.generation`.
    var countsGenerations: Bool { get }
    /// Whether a new object may bring its status along, though there is a status subresource.
    var keepsStatusOnCreate: Bool { get }
    /// Defaults beyond the schema's.
    func applyDefaults(to object: inout JSON)
    /// Checks beyond the schema's.
    func validate(_ object: JSON, _ errors: inout FieldErrors)
    /// Checks of a new object beyond the schema's.
    func validateCreate(_ object: JSON, _ errors: inout FieldErrors)
    /// Checks of a change beyond the schema's. Not for changes by a subresource of the kind's own, which have been merged
    /// into the old object by `merge`.
    func validateUpdate(_ object: JSON, replacing old: JSON, _ errors: inout FieldErrors)
    func prepareForCreate(_ object: inout JSON)
    func prepareForUpdate(_ object: inout JSON, replacing old: JSON)
    /// What writing `object` to a subresource of the kind's own makes of `old`; nil for one that is not known.
    func merge(_ object: JSON, into old: JSON, subresource: String) -> JSON?
}

extension KindBehaviour {
    var columns: [Column] { [.name, .age] }
    func cells(_ object: JSON, now: Int64) -> [JSON] { [.string(object.metadataName), .string(object.age(now: now))] }
    var fieldLabels: [String] { [] }
    func selectableFields(_ object: JSON) -> [String: String] { [:] }
    var nameRule: NameRule { .subdomain }
    var countsGenerations: Bool { false }
    var keepsStatusOnCreate: Bool { false }
    func applyDefaults(to object: inout JSON) {}
    func validate(_ object: JSON, _ errors: inout FieldErrors) {}
    func validateCreate(_ object: JSON, _ errors: inout FieldErrors) {}
    func validateUpdate(_ object: JSON, replacing old: JSON, _ errors: inout FieldErrors) {}
    func prepareForCreate(_ object: inout JSON) {}
    func prepareForUpdate(_ object: inout JSON, replacing old: JSON) {}
    func merge(_ object: JSON, into old: JSON, subresource: String) -> JSON? { nil }
}

/// A kind with nothing of its own.
struct PlainBehaviour: KindBehaviour {}
