import JSON
import Objects

/// The variables by which a container finds the services of its namespace, as Docker's links named them.
enum ServiceEnvironment {
    /// In a stable order. Services without a cluster address add nothing.
    static func variables(_ services: [JSON]) -> [(name: String, value: String)] {
        var variables: [(name: String, value: String)] = []
        for service in services.sorted(by: { $0.metadataName < $1.metadataName }) {
            guard let address = service["spec"]["clusterIP"].string, !address.isEmpty, address != "None" else { continue }
            let ports = service["spec"]["ports"].elements
            guard let first = ports.first?["port"].int else { continue }
            let prefix = variableName(service.metadataName)
            variables.append(("\(prefix)_SERVICE_HOST", address))
            variables.append(("\(prefix)_SERVICE_PORT", "\(first)"))
            for port in ports {
                if let name = port["name"].string, !name.isEmpty, let number = port["port"].int {
                    variables.append(("\(prefix)_SERVICE_PORT_\(variableName(name))", "\(number)"))
                }
            }
            variables.append(("\(prefix)_PORT", url(ports[0], address)))
            for port in ports {
                guard let number = port["port"].int else { continue }
                let transport = port["protocol"].string ?? "TCP"
                let each = "\(prefix)_PORT_\(number)_\(transport)"
                variables.append((each, url(port, address)))
                variables.append(("\(each)_PROTO", transport.lowercased()))
                variables.append(("\(each)_PORT", "\(number)"))
                variables.append(("\(each)_ADDR", address))
            }
        }
        return variables
    }

    private static func url(_ port: JSON, _ address: String) -> String {
        "\((port["protocol"].string ?? "TCP").lowercased())://\(address):\(port["port"].int ?? 0)"
    }

    private static func variableName(_ name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self).uppercased()
    }
}
