import JSON

/// Checks of one volume.
enum VolumeValidator {
    static let check: TypeHooks.Check = { volume, errors in
        var count = 0
        for (name, source) in volume.members where name != "name" && !source.isNull {
            count += 1
            errors.at(.name(name)) { errors in
                if count > 1 { errors.forbidden("may not specify more than 1 volume type") }
                for item in source["items"].elements { items(item, &errors) }
                if name == "hostPath", let path = source["path"].string, path.split(separator: "/").contains("..") {
                    errors.at("path") { $0.invalid(.string(path), "must not contain '..'") }
                }
                if name == "emptyDir", let limit = source["sizeLimit"].string.flatMap({ Quantity($0) }), limit.isNegative {
                    errors.at("sizeLimit") { $0.forbidden("SizeLimit field must be a valid resource quantity") }
                }
            }
        }
        if count == 0 { errors.required("must specify a volume type") }
    }

    private static func items(_ item: JSON, _ errors: inout FieldErrors) {
        guard let path = item["path"].string, !path.isEmpty else { return }
        errors.at("items", "path") { localPath(path, &$0) }
    }

    /// A path that stays below where it is put.
    static func localPath(_ path: String, _ errors: inout FieldErrors) {
        if path.hasPrefix("/") { errors.invalid(.string(path), "must be a relative path") }
        if path.split(separator: "/").contains("..") { errors.invalid(.string(path), "must not contain '..'") }
    }
}
