import JSON

/// One column of a kind's table (`meta.k8s.io/v1 Table`).
public struct Column: Hashable, Sendable {
    public let name: String
    /// `string`, `integer` or `boolean`.
    public let type: String
    /// `name` for the column that names the object, else mostly empty.
    public let format: String
    public let description: String
    /// 0 is always shown, 1 with `-o wide`.
    public let priority: Int

    public init(_ name: String, type: String = "string", format: String = "", priority: Int = 0, _ description: String = "") {
        self.name = name
        self.type = type
        self.format = format
        self.description = description
        self.priority = priority
    }

    /// As an element of the Table's `columnDefinitions`.
    public var definition: JSON {
        [
            "name": .string(name), "type": .string(type), "format": .string(format), "description": .string(description),
            "priority": JSON(priority),
        ]
    }

    static let name = Column("Name", format: "name", "The object's name, unique in its namespace.")
    static let age = Column("Age", "How long ago the object was made.")
}
