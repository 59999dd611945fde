# Varnish in front of quart-chat: varnishd -f /etc/varnish/quart-chat.vcl -p pipe_timeout=75
# Change the address of the server if it is another. Whatever does TLS in front of Varnish should speak the PROXY
# protocol to it (-a :8443,PROXY), so that client.ip is the client's; and set X-Forwarded-Proto below to https.
vcl 4.1;

backend default {
    .host = "127.0.0.1";
    .port = "8000";
}

sub vcl_recv {
    # Overwritten, so that what a client claims about itself does not count.
    set req.http.X-Forwarded-For = client.ip;
    set req.http.X-Forwarded-Proto = "http";
    # Nobody gets past HTTP/1.1 by `Upgrade: h2c`.
    unset req.http.Upgrade;
    # A stream is no object to fetch and to keep: it goes through as it comes.
    if (req.url ~ "^/rooms/[^/]+/stream" && req.method == "GET") {
        return (pipe);
    }
    # Only what never changes under its address is kept here.
    if (req.url !~ "^/static/") {
        return (pass);
    }
}

sub vcl_pipe {
    # One request only: what followed on this connection would not pass vcl_recv.
    set bereq.http.Connection = "close";
}

sub vcl_backend_response {
    if (beresp.http.Content-Type ~ "^(text/(html|css|javascript)|image/svg\+xml)") {
        set beresp.do_gzip = true;
    }
}
