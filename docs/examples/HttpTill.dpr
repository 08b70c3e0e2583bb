program HttpTill;
{ A complete till in Delphi 10.2 and later: HttpTill ID AMOUNT CURRENCY [TICKET], such as T1-000123 12850 HKD 88211.

  It speaks HTTP with the token to http://127.0.0.1:8460 and ends with exit code 0 paid, 1 not paid, 2 not known.
  ID is the till's own. Write it down, on disk, before you ask: it is how you learn what came of a sale
  after a crash. Start this program again with the same arguments and it tells, without charging again. }
{$APPTYPE CONSOLE}

uses
  System.SysUtils, System.Classes, System.IOUtils, System.JSON, System.Net.HttpClient, System.Net.URLClient;

const
  Url = 'http://127.0.0.1:8460';
  TokenFile = '/run/cpmd/token';
  Minutes = 1 / (24 * 60);

function Ask(const Method, Path, Body: string; out Answer: TJSONObject): Integer;
var
  Http: THTTPClient;
  Req: IHTTPRequest;
  Resp: IHTTPResponse;
  Text: TStringStream;
begin
  Answer := nil;
  Http := THTTPClient.Create;
  Text := TStringStream.Create(Body, TEncoding.UTF8);
  try
    Http.ResponseTimeout := 40000; // longer than the longest wait below
    Req := Http.GetRequest(Method, Url + Path);
    Req.AddHeader('Authorization', 'Bearer ' + Trim(TFile.ReadAllText(TokenFile)));
    if Body <> '' then
    begin
      Req.AddHeader('Content-Type', 'application/json');
      Req.SourceStream := Text;
    end;
    try
      Resp := Http.Execute(Req);
      Answer := TJSONObject.ParseJSONValue(Resp.ContentAsString(TEncoding.UTF8)) as TJSONObject;
      Result := Resp.StatusCode;
    except
      on E: Exception do
        Result := 503; // not answered is not refused: ask again
    end;
    if Answer = nil then
    begin
      Result := 503;
      Answer := TJSONObject.Create;
      Answer.AddPair('detail', 'No answer.');
    end;
  finally
    Text.Free;
    Http.Free;
  end;
end;

{ Returns 0 paid, 1 not paid, 2 not known. }
function Collect(const Id: string; Amount: Int64; const Currency, Ticket: string): Integer;
var
  Answer, Body: TJSONObject;
  Status: Integer;
  Seq: Int64;
  Code, State: string;
  GiveUp: TDateTime;
begin
  Seq := -1;
  GiveUp := Now + 3 * Minutes;
  while Now < GiveUp do
  begin
    if Seq < 0 then
    begin
      // The same again, as often as it takes: it never opens a second sale.
      Body := TJSONObject.Create;
      try
        Body.AddPair('amount', TJSONNumber.Create(Amount));
        Body.AddPair('currency', Currency);
        Body.AddPair('ticket', Ticket);
        Status := Ask('PUT', '/v1/sales/' + Id, Body.ToString, Answer);
      finally
        Body.Free;
      end;
    end
    else
      Status := Ask('GET', Format('/v1/sales/%s?wait=25s&after=%d', [Id, Seq]), '', Answer);
    try
      if Status >= 500 then
      begin
        WriteLn(Answer.GetValue<string>('detail'), ' Asking again.');
        Sleep(1000);
        Continue;
      end;
      if Status >= 400 then
      begin
        WriteLn(Answer.GetValue<string>('detail'));
        Code := Answer.GetValue<string>('code');
        if (Seq < 0) and ((Code = 'invalid_request') or (Code = 'unknown_lane') or (Code = 'lane_busy') or (Code = 'code_used')) then
          Exit(1); // refused: this sale was never opened, nothing was charged
        Exit(2);
      end;
      GiveUp := Now + 3 * Minutes;
      if Answer.GetValue<Int64>('seq') > Seq then
        WriteLn(Answer.GetValue<string>('message'));
      Seq := Answer.GetValue<Int64>('seq');
      State := Answer.GetValue<string>('state');
      if State = 'paid' then
        Exit(0);
      if State = 'not_paid' then
        Exit(1);
      if State = 'unresolved' then
        Exit(2);
    finally
      Answer.Free;
    end;
  end;
  Result := 2;
end;

begin
  ExitCode := Collect(ParamStr(1), StrToInt64(ParamStr(2)), ParamStr(3), ParamStr(4));
  case ExitCode of
    0: WriteLn('PAID');
    1: WriteLn('NOT PAID');
  else
    WriteLn('NOT KNOWN: do not charge again, ask later');
  end;
end.
