# Sends an update: client.py URL STYLE NAME VALUE...
import http.client
import json
import sys
import urllib.parse
import urllib.request
import uuid

url, style, *args = sys.argv[1:]
params = list(zip(args[::2], args[1::2]))


def send(url, body, headers):
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def multipart():
    """As the requests library writes it, through http.client."""
    boundary = uuid.uuid4().hex
    body = b""
    for name, value in params:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    body += f"--{boundary}--\r\n".encode()
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    connection.request("POST", parts.path, body, {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "User-Agent": "python-requests/2.31.0",
        "Accept-Encoding": "gzip, deflate",
        "Accept": "*/*",
        "Connection": "keep-alive",
    })
    return connection.getresponse().read().decode()


form = urllib.parse.urlencode(params)
if style == "query":
    print(send(url + "?" + form, b"", {}))
elif style == "form":
    print(send(url, form.encode(), {}))
elif style == "json":
    whole = {n: int(v) if v.isascii() and v.isdigit() else v for n, v in params}
    print(send(url, json.dumps(whole).encode(), {"Content-Type": "application/json"}))
elif style == "multipart":
    print(multipart())
