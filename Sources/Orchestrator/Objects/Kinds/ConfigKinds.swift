import JSON

/// Checks that ConfigMaps and Secrets share.
private enum ConfigData {
    /// A mebibyte, as in Kubernetes.
    static let byteLimit = 1 << 20

    static func check(_ object: JSON, fields: [String], _ errors: inout FieldErrors) {
        var total = 0
        for field in fields {
            errors.at(.name(field)) { errors in
                for (key, value) in object[field].members {
                    total += value.string?.utf8.count ?? 0
                    let problems = Names.configKeyProblems(key)
                    guard !problems.isEmpty else { continue }
                    errors.path.push(.key(key))
                    errors.invalid(.string(key), problems)
                    errors.path.pop()
                }
            }
        }
        if total > byteLimit { errors.at(.name(fields[0])) { $0.tooLong(maximum: byteLimit) } }
    }

    static func checkUpdate(_ object: JSON, replacing old: JSON, fields: [String], _ errors: inout FieldErrors) {
        guard old["immutable"].bool == true else { return }
        if object["immutable"].bool != true { errors.at("immutable") { $0.forbidden("field is immutable when `immutable` is set") } }
        for field in fields where object[field] != old[field] {
            errors.at(.name(field)) { $0.forbidden("field is immutable when `immutable` is set") }
        }
    }
}

struct ConfigMapKind: KindBehaviour {
    let columns: [Column] = [.name, Column("Data", type: "integer", "How many keys there are."), .age]
    func cells(_ map: JSON, now: Int64) -> [JSON] {
        [.string(map.metadataName), JSON(map["data"].members.count + map["binaryData"].members.count), .string(map.age(now: now))]
    }

    func validate(_ map: JSON, _ errors: inout FieldErrors) {
        ConfigData.check(map, fields: ["data", "binaryData"], &errors)
        for key in map["binaryData"].members.keys where map["data"].members.contains(key) {
            errors.at("data", .key(key)) { $0.invalid(.string(key), "duplicate of key present in binaryData") }
        }
    }

    func validateUpdate(_ map: JSON, replacing old: JSON, _ errors: inout FieldErrors) {
        ConfigData.checkUpdate(map, replacing: old, fields: ["data", "binaryData"], &errors)
    }
}

struct SecretKind: KindBehaviour {
    let columns: [Column] = [.name, Column("Type", "What the keys mean."), Column("Data", type: "integer", "How many keys there are."), .age]
    func cells(_ secret: JSON, now: Int64) -> [JSON] {
        [
            .string(secret.metadataName), .string(secret["type"].string ?? ""), JSON(secret["data"].members.count),
            .string(secret.age(now: now)),
        ]
    }

    let fieldLabels = ["type"]
    func selectableFields(_ secret: JSON) -> [String: String] { ["type": secret["type"].string ?? ""] }

    /// `stringData` is written into `data` and never read back.
    func applyDefaults(to secret: inout JSON) {
        guard let texts = secret.remove("stringData") else { return }
        for (key, value) in texts.members { secret["data"][key] = .string(Base64.encode((value.string ?? "").utf8)) }
    }

    /// Keys that each type of secret must have.
    private static let requiredKeys = [
        "kubernetes.io/dockercfg": [".dockercfg"], "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
        "kubernetes.io/ssh-auth": ["ssh-privatekey"], "kubernetes.io/tls": ["tls.crt", "tls.key"],
    ]

    func validate(_ secret: JSON, _ errors: inout FieldErrors) {
        ConfigData.check(secret, fields: ["data"], &errors)
        let type = secret["type"].string ?? ""
        for key in Self.requiredKeys[type] ?? [] where !secret["data"].members.contains(key) {
            errors.at("data", .key(key)) { $0.required() }
        }
        if type == "kubernetes.io/basic-auth", secret["data"]["username"].isNull, secret["data"]["password"].isNull {
            for key in ["username", "password"] { errors.at("data", .key(key)) { $0.required() } }
        }
        if type == "kubernetes.io/service-account-token", (secret.annotations["kubernetes.io/service-account.name"] ?? "").isEmpty {
            errors.at("metadata", "annotations", .key("kubernetes.io/service-account.name")) { $0.required() }
        }
    }

    func validateUpdate(_ secret: JSON, replacing old: JSON, _ errors: inout FieldErrors) {
        if secret["type"] != old["type"] { errors.at("type") { $0.immutable(secret["type"]) } }
        ConfigData.checkUpdate(secret, replacing: old, fields: ["data"], &errors)
    }
}
